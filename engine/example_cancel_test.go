package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// Cancel ends a task that waits at once. One that runs is asked to stop, within
// a third of the lease: its context ends, and the cause says why.
func ExampleEngine_Cancel() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	render := engine.Define[string]("film.render")

	eng, err := engine.Open(ctx, "mem://", engine.Options{Lease: 500 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	started := make(chan struct{})
	engine.Handle(eng, render, func(ctx context.Context, film string) error {
		close(started)
		<-ctx.Done()
		fmt.Println("cancelled:", errors.Is(context.Cause(ctx), engine.ErrCancelled))
		return ctx.Err()
	})
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()

	t, err := render.Enqueue(ctx, eng, "metropolis")
	if err != nil {
		log.Fatal(err)
	}
	<-started
	if _, err := eng.Cancel(ctx, t.ID, engine.By{Actor: "ada", Reason: "wrong cut"}); err != nil {
		log.Fatal(err)
	}
	st, err := eng.Wait(ctx, t.ID)
	fmt.Println(st.State, err)

	stop()
	<-done
	// Output:
	// cancelled: true
	// cancelled <nil>
}
