package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// Bury fails a task for good. The dead are listed, looked at, and requeued with
// all their retries once the cause is mended.
func ExampleBury() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	charge := engine.Define[string]("card.charge")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	mended := make(chan struct{})
	engine.Handle(eng, charge, func(ctx context.Context, card string) error {
		select {
		case <-mended:
			return nil
		default:
			return engine.Bury(errors.New("unknown currency")) // no retry would help
		}
	})
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()

	t, err := charge.Enqueue(ctx, eng, "1234")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := eng.Wait(ctx, t.ID); err != nil {
		log.Fatal(err)
	}
	close(mended)
	for dead, err := range eng.Dead(ctx, engine.Filter{Type: "card.charge"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(dead.State, dead.Reason, dead.Error)
		err = eng.Requeue(ctx, dead.ID, engine.By{Actor: "ada", Reason: "currency added"})
		if err != nil {
			log.Fatal(err)
		}
	}
	st, err := eng.Wait(ctx, t.ID)
	fmt.Println(st.State, err)

	stop()
	<-done
	// Output:
	// dead buried unknown currency
	// succeeded <nil>
}
