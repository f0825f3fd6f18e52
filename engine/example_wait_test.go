package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// Wait returns when a task has ended, on whatever node. State looks once.
func ExampleEngine_Wait() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	resize := engine.Define[string]("image.resize")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	engine.Handle(eng, resize, func(ctx context.Context, image string) error { return nil })

	t, err := resize.Enqueue(ctx, eng, "cat.png")
	if err != nil {
		log.Fatal(err)
	}
	st, err := eng.State(ctx, t.ID) // nobody runs yet
	fmt.Println(st.State, err)

	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err = eng.Wait(patience, t.ID)
	fmt.Println(st.State, err)

	stop()
	<-done
	// Output:
	// ready <nil>
	// succeeded <nil>
}
