package engine_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/tidemill/tidemill/engine"
)

// The queue of a type is a default, which Enqueue may override.
var (
	crop  = engine.Define[string]("photo.crop", engine.Queue("fast"))
	train = engine.Define[string]("model.train", engine.Queue("slow"))
)

// A node works on the queues it names, each with a concurrency of its own, so
// that long tasks do not stand in the way of short ones.
func ExampleOptions_queues() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	eng, err := engine.Open(ctx, "mem://", engine.Options{
		Queues: map[string]int{"fast": 32, "slow": 1},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	var crops sync.WaitGroup
	crops.Add(3)
	engine.Handle(eng, train, func(ctx context.Context, model string) error {
		crops.Wait() // the only slot of its queue is taken all the while
		fmt.Println("trained", model)
		stop()
		return nil
	})
	engine.Handle(eng, crop, func(ctx context.Context, photo string) error {
		crops.Done()
		return nil
	})
	if _, err := train.Enqueue(ctx, eng, "cats"); err != nil {
		log.Fatal(err)
	}
	if _, err := crop.EnqueueMany(ctx, eng, []string{"a.jpg", "b.jpg", "c.jpg"}); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: trained cats
}
