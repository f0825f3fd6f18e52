// Package witness follows the log of every partition of a namespace while a fault
// run goes on, and writes down what it saw for package check: entries as Redis
// returned them, those that Redis forgot again (orphans), and at the end the live
// keys, raw.
//
//	w, err := witness.Follow(ctx, client, namespace, dir)
//	…                     // the run
//	err = w.Finish(ctx)   // after the drain: nothing runs any more
//
// It survives whatever is done to Redis: what fails is tried again. (Give it a
// client with ContextTimeoutEnabled, or one that hangs holds it up.) Its cursor in
// k keeps trims from what it has not seen. It names keys and fields by
// docs/FORMAT.md, on its own, and changes nothing but its cursor.
//
// A test needs a real server: what the witness is for, restarts and promotions,
// an in-process one does not have.
package witness
