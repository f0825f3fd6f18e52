// Package rerun runs a recorded history again.
//
// Four modes share one [Scope], which says what of the history, how fast and how
// much:
//
//   - [Observe] feeds the events to a function.
//   - [Shadow] runs a handler on recorded payloads and compares what it says now,
//     and the digest of its result, with what was recorded then. It has no way to
//     the queue.
//   - [Requeue] really runs tasks again, as new ones that name their cause.
//   - [Load] makes the recorded arrivals and sizes the load of a test.
//
// [Scope.Plan] counts what a run would do; look at it first. [Read] is the stream
// of recorded attempts that they are made of.
//
// Guarantees: the history is only read. Memory is that of the open tasks, so that
// it does not grow with the history. A run that is interrupted leaves in its
// cursor what is done, so that it goes on there. A requeue may be run again under
// its name: it makes no task twice while its keys are remembered.
//
// Caveats: an attempt is known by its end, so attempts come in the order of their
// ends. A shadow run keeps a handler from the queue and from nothing else: what it
// does elsewhere it really does, unless it asks [IsReplay]. What operators, lost
// nodes and deadlines decided is no handler's doing, and is not compared.
//
// To test code that uses it, record on mem:// and hand Engine.Log() to it, as the
// example of Shadow does.
package rerun
