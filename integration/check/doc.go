// Package check judges what a fault run left behind: one pass over the files of
// package history, no Redis, no code of the engine. It reads the raw entries, ids,
// packed outcomes and index slots by docs/FORMAT.md alone, so that an error of
// the engine's own reading cannot hide one of its writing.
//
// Three readings are held against each other and against what clients were told:
// the log as the witness saw it, the live keys after the drain, and the journal
// of what handlers did. [Dir] reads a directory and judges, [Check] judges what
// was read or made by hand. The invariants are I1 to I12 of the design; a
// [Violation] names the one it breaks; beside them stand plan (a task ended as what
// was asked for cannot end, or with another result), pause (something ran in one), stuck (no end), and run
// (what the run found wrong with itself, or that it tried nothing).
//
// What the run's faults explain is counted and no violation: births in the gap of
// an epoch event (lost_reported), entries that a stranger took (taken), second
// executions of what a dead node held (executed_again, by fault).
package check
