package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// Redact removes the payload of a task that has ended. Its history stays, with who
// did it and why.
func ExampleEngine_Redact() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	greet := engine.Define[string]("greet")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	engine.Handle(eng, greet, func(context.Context, string) error { return nil })

	t, err := greet.Enqueue(ctx, eng, "Ada")
	if err != nil {
		log.Fatal(err)
	}
	by := engine.By{Actor: "ann", Reason: "asked to be forgotten"}
	_, err = eng.Redact(ctx, t.ID, by)
	fmt.Println("before it ran:", errors.Is(err, engine.ErrNotEnded))

	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()
	if _, err := eng.Wait(ctx, t.ID); err != nil {
		log.Fatal(err)
	}
	if _, err := eng.Redact(ctx, t.ID, by); err != nil {
		log.Fatal(err)
	}
	for e, err := range eng.History(ctx, t.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s payload=%q actor=%q reason=%q\n", e.Kind, e.Payload, e.Actor, e.Reason)
	}

	stop()
	<-done
	// Output:
	// before it ran: true
	// born payload="" actor="" reason=""
	// succeeded payload="" actor="" reason=""
	// redacted payload="" actor="ann" reason="asked to be forgotten"
}
