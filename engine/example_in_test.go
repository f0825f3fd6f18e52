package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// A delayed task waits in Redis, not in a process, and never starts before it is
// due. At takes a moment instead.
func ExampleIn() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	remind := engine.Define[string]("remind")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, remind, func(ctx context.Context, what string) error {
		d, _ := engine.Current(ctx)
		fmt.Println(what, "too early:", time.Since(d.EnqueuedAt) < 50*time.Millisecond)
		stop()
		return nil
	})
	if _, err := remind.Enqueue(ctx, eng, "tea", engine.In(50*time.Millisecond)); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: tea too early: false
}
