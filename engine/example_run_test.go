package engine_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// Run stops gracefully when its context ends: it fetches no more, gives what has
// not started to other nodes, lets running handlers go on for Options.Drain, and
// then ends their contexts with cause ErrDraining. What was cut short is no
// failure: it runs elsewhere, and no attempt is used.
func ExampleEngine_Run() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	index := engine.Define[string]("docs.index")

	eng, err := engine.Open(ctx, "mem://", engine.Options{Drain: 20 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, index, func(ctx context.Context, doc string) error {
		stop() // as Ctrl-C would
		<-ctx.Done()
		fmt.Println(doc, "stops:", context.Cause(ctx))
		return ctx.Err()
	})
	t, err := index.Enqueue(ctx, eng, "war-and-peace")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("run:", eng.Run(ctx))

	st, err := eng.State(context.Background(), t.ID)
	fmt.Println("still attempt", st.Attempt, err)
	// Output:
	// war-and-peace stops: node is draining
	// run: <nil>
	// still attempt 1 <nil>
}
