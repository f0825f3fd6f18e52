// Package replay answers questions from the history.
//
// [Fold] reads a log into the state it implies; [Fsck] compares that state with
// the live one: what the log says is open, waiting or dead must be so in Redis,
// and the other way round. Both only read. Every test and every fault run of
// this project ends with Fsck.
//
// Caveats: a log that was trimmed is folded from its floor, so tasks that ended
// before it are not counted; on a queue that moves while it is read, the sets
// are compared only if a quiet moment is found, and the report says so.
package replay
