package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// After its deadline a task is not started any more. Timeout, of a type or a
// task, limits each attempt instead.
func ExampleDeadline() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	notify := engine.Define[string]("ride.arriving", engine.Timeout(time.Second))

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, notify, func(ctx context.Context, rider string) error {
		fmt.Println("your ride is here,", rider)
		return nil
	})
	aMinuteAgo := time.Now().Add(-time.Minute)
	t, err := notify.Enqueue(ctx, eng, "ada", engine.Deadline(aMinuteAgo))
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()
	st, err := eng.Wait(ctx, t.ID)
	fmt.Println(st.State, err)

	stop()
	<-done
	// Output: expired <nil>
}
