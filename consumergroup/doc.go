// Package consumergroup runs the handlers of one queue on one node: it fetches
// deliveries, keeps their lease, runs them on a bounded number of goroutines,
// settles the outcomes in batches, takes over what dead nodes held, and drains.
//
// [New] makes a [Group] and [Group.Run] is all of its life. The group sees Redis
// only through [Session], which package streams implements.
//
// Guarantees:
//
//  1. A node that could not renew for one lease of its monotonic clock cancels
//     its handlers with cause task.ErrLeaseLost and reports nothing as done.
//  2. Deliveries of another node are taken only after its record stood still
//     for one lease of this node's monotonic clock, with Redis answering.
//  3. A delivery that was taken over is charged before it starts; one that was
//     charged before starts alone; the next time it is buried without running.
//  4. On a stop nothing new is fetched, what has not started is handed back at
//     once, what runs may end within Drain, the rest is cancelled with cause
//     task.ErrDraining and handed back.
//
// A handler that ignores its context keeps its slot until it returns, even when
// its attempt was ended by the timeout: Go cannot stop a goroutine. One that calls
// runtime.Goexit has failed, and another goroutine takes its slot.
package consumergroup
