package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// errLimited is what a server answers that wants to be left alone for a while.
var errLimited = errors.New("429 too many requests")

// RetryIn fails an attempt, and says itself when to try again.
func ExampleRetryIn() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	fetch := engine.Define[string]("page.fetch")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, fetch, func(ctx context.Context, url string) error {
		d, _ := engine.Current(ctx)
		if d.Attempt == 1 {
			retryAfter := 20 * time.Millisecond // from the header of the answer
			return engine.RetryIn(retryAfter, errLimited)
		}
		fmt.Println("fetched", url, "at attempt", d.Attempt)
		stop()
		return nil
	})
	if _, err := fetch.Enqueue(ctx, eng, "https://example.com"); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: fetched https://example.com at attempt 2
}
