// Package task says what a task is and which event may follow which state.
//
// It is pure: no I/O, clock, goroutine or lock. The whole law of a task's life
// is [Apply], a table over (state, kind); [Fold] runs a log through it. Every
// other package asks this one, and streamstest checks that the Lua scripts
// agree with it pair by pair.
//
// Start with [Apply] and [ID]. Times are milliseconds of the Redis clock where
// they order or release tasks (int64, suffix Ms or type [Position]) and
// [time.Duration] everywhere else.
package task
