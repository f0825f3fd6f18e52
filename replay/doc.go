// Package replay answers questions from the history.
//
// [Fold] reads a log into the state it implies; [Fsck] compares that state with
// the live one: what the log says is open, waiting or dead must be so in Redis,
// and the other way round. Both only read. Every test and every fault run of
// this project ends with Fsck.
//
// The questions are asked of any [Source], the live log or an archive of it: [At]
// tells what the queues and tasks looked like at a moment, [Timeline] what happened
// to a task, [Select] which events agree with a [Filter], and [Statistics] how much
// happened, how long it took, and what failed. Every answer carries the lsn that it
// is true at. Memory is that of the open and dead tasks and of the answer, not of
// the length of the history. [Folder] and [Index] are what a source can do to be
// read less.
//
// Caveats: a log that was trimmed is folded from its floor, so tasks that ended
// before it are not counted; on a queue that moves while it is read, the sets
// are compared only if a quiet moment is found, and the report says so.
package replay
