package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// EnqueueMany makes a task of each payload, hundreds a call. On an error the
// tasks it returns are in, the first ones; go on with the rest.
func ExampleType_EnqueueMany() {
	ctx := context.Background()
	thumb := engine.Define[string]("photo.thumbnail")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	photos := make([]string, 1000)
	for i := range photos {
		photos[i] = fmt.Sprintf("%04d.jpg", i)
	}
	tasks, err := thumb.EnqueueMany(ctx, eng, photos)
	if err != nil {
		log.Fatalf("%d are in: %v", len(tasks), err)
	}
	stats, err := eng.Stats(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, q := range stats.Queues {
		fmt.Println(q.Queue, q.Ready)
	}
	// Output: default 1000
}
