package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// Pause stops the deliveries of a queue on all nodes, until Resume. Tasks gather
// meanwhile, and who paused it and why is in the log.
func ExampleEngine_Pause() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	send := engine.Define[string]("mail.send", engine.Queue("mail"))

	eng, err := engine.Open(ctx, "mem://", engine.Options{Lease: 500 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	engine.Handle(eng, send, func(ctx context.Context, to string) error { return nil })

	t, err := send.Enqueue(ctx, eng, "a@b.c")
	if err != nil {
		log.Fatal(err)
	}
	by := engine.By{Actor: "ada", Reason: "mail server moves"}
	if err := eng.Pause(ctx, "mail", by); err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()

	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err = eng.Wait(short, t.ID)
	fmt.Println("paused:", errors.Is(err, context.DeadlineExceeded))

	if err := eng.Resume(ctx, "mail", by); err != nil {
		log.Fatal(err)
	}
	st, err := eng.Wait(ctx, t.ID)
	fmt.Println("resumed:", st.State, err)

	stop()
	<-done
	// Output:
	// paused: true
	// resumed: succeeded <nil>
}
