package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// A handler that finds it is too early snoozes: that is no failure, and uses no
// attempt.
func ExampleSnooze() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	publish := engine.Define[string]("video.publish")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	encoded := 0
	engine.Handle(eng, publish, func(ctx context.Context, video string) error {
		if encoded++; encoded < 3 {
			return engine.Snooze(10 * time.Millisecond)
		}
		d, _ := engine.Current(ctx)
		fmt.Println(video, "published, attempt", d.Attempt)
		stop()
		return nil
	})
	if _, err := publish.Enqueue(ctx, eng, "cat.mp4"); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: cat.mp4 published, attempt 1
}
