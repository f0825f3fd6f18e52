// Package enginetest tests code that enqueues tasks, and handlers, without Redis.
//
// Code that enqueues takes an engine.Producer. Give it a [Recorder] and look at
// what it asked for:
//
//	var rec enginetest.Recorder
//	err := SignUp(ctx, &rec, "a@b.c")
//	mails := enginetest.Of(&rec, SendEmail) // []Email
//
// [Run] runs a handler once, as a node would, and tells the verdict: succeeded,
// retry, snoozed or buried.
//
//	got := enginetest.Run(ctx, SendEmail, handle, Email{To: "nobody"}, enginetest.Attempt(3))
//	if got.Verdict != enginetest.Buried { … }
//
// Guarantees: births look as they would to Redis, options of Define and Enqueue
// checked and joined; a payload is encoded and decoded again on its way to the
// handler; timeouts, panics and used up retries count.
//
// Caveats: nothing is delayed, retried or delivered here, and middlewares of
// Engine.Use do not run. To see tasks flow, open "mem://" with package engine:
// that needs no Redis either.
package enginetest
