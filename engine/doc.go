// Package engine runs tasks: the parts of Tidemill as one thing.
//
//	var SendEmail = engine.Define[Email]("email.send", engine.Retry(5))
//
//	eng, err := engine.Open(ctx, "redis://localhost:6379", engine.Options{})
//	engine.Handle(eng, SendEmail, func(ctx context.Context, m Email) error { … })
//	t, err := SendEmail.Enqueue(ctx, eng, Email{To: "a@b.c"}, engine.In(time.Hour))
//	err = eng.Run(ctx) // blocks, drains; a process that only enqueues never calls it
//
// Promise: a task whose enqueue was acknowledged is in the log, as durable as
// the Redis it is in. It runs at least once, and its completion is recorded once,
// fenced: a node that lost its lease cannot complete, retry or bury a task. It
// never starts before it is due by the clock of Redis. A crash is not a failure:
// it uses none of the task's retries.
//
// Because a task may run twice (a node died before it could report), a handler's
// effects should be idempotent; [Current] gives the id and attempt to key them by.
// What a handler makes may leave a digest in the history: [Result].
//
// Caveats: a handler that ignores its context holds its slot until it returns;
// times are those of the Redis clock, so a clock that jumps forward releases
// delayed tasks early by every other clock. Test code that enqueues or handles
// with package enginetest, without Redis; or open "mem://".
package engine
