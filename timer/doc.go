// Package timer releases waiting tasks when they fall due.
//
// [Wheel] is a pure hierarchical timing wheel: no clock, goroutine or lock; the
// caller says what time it is. [Releaser] is the loop around it: it keeps the
// soonest dues of one partition in a wheel, sleeps exactly until the next one,
// and asks the [Store] to release what is due.
//
// Guarantees: nothing is released early, because the store judges by the clock
// of Redis and the wheel only says when to ask; losing the wheel loses nothing,
// because the store keeps the truth and is read again at every heartbeat.
package timer
