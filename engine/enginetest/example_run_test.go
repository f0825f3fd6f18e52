package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/engine/enginetest"
)

var (
	call = engine.Define[string]("phone.call", engine.Retry(2))

	errBusy   = errors.New("line is busy")
	errNumber = errors.New("no such number")
)

// dial is the handler under test.
func dial(ctx context.Context, number string) error {
	d, _ := engine.Current(ctx)
	switch {
	case number == "":
		return engine.Bury(errNumber)
	case d.Headers["night"] == "yes":
		return engine.Snooze(8 * time.Hour)
	case number == "busy":
		return engine.RetryIn(time.Minute, errBusy)
	}
	return nil
}

// Run says what would become of a task after one attempt.
func ExampleRun() {
	ctx := context.Background()
	fmt.Println(enginetest.Run(ctx, call, dial, "112"))
	fmt.Println(enginetest.Run(ctx, call, dial, ""))
	fmt.Println(enginetest.Run(ctx, call, dial, "112", enginetest.With(engine.Header("night", "yes"))))

	got := enginetest.Run(ctx, call, dial, "busy")
	fmt.Println(got.Verdict == enginetest.Retry, errors.Is(got.Err, errBusy), got.Delay)
	fmt.Println(enginetest.Run(ctx, call, dial, "busy", enginetest.Attempt(3)))
	// Output:
	// succeeded
	// dead (buried): no such number
	// snoozed in 8h0m0s
	// true true 1m0s
	// dead (retries): line is busy
}
