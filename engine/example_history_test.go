package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// The queue is its own history: whatever happened to a task is an event in the
// log, with its time, the node, and how long the attempt ran.
func ExampleEngine_History() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	backup := engine.Define[string]("db.backup")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, backup, func(ctx context.Context, db string) error {
		if d, _ := engine.Current(ctx); d.Attempt == 1 {
			return engine.RetryIn(0, errors.New("disk full"))
		}
		return nil
	})
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()

	t, err := backup.Enqueue(ctx, eng, "orders")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := eng.Wait(ctx, t.ID); err != nil {
		log.Fatal(err)
	}
	for e, err := range eng.History(ctx, t.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("attempt %d %s %q\n", e.Attempt, e.Kind, e.Error)
	}
	stop()
	<-done
	// Output:
	// attempt 1 born ""
	// attempt 1 retry "disk full"
	// attempt 2 released ""
	// attempt 2 succeeded ""
}
