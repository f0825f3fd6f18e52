package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// Any error but the special ones means: try again. The wait doubles from attempt
// to attempt, a random part of it is taken, and when the retries are used up the
// task is dead, kept for whoever looks into it.
func ExampleRetry() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	sync := engine.Define[string]("crm.sync",
		engine.Retry(4), // five attempts in all
		engine.Backoff(time.Millisecond, 10*time.Millisecond))

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, sync, func(ctx context.Context, account string) error {
		d, _ := engine.Current(ctx)
		if d.Attempt < 3 {
			fmt.Println("attempt", d.Attempt, "fails")
			return errors.New("crm does not answer")
		}
		fmt.Println("attempt", d.Attempt, "synced", account)
		stop()
		return nil
	})
	if _, err := sync.Enqueue(ctx, eng, "acme"); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// attempt 1 fails
	// attempt 2 fails
	// attempt 3 synced acme
}
