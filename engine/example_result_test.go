package engine_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/tidemill/tidemill/engine"
)

// The history keeps a digest of what handlers made. The same from the same task,
// it tells that tomorrow's code makes the same as today's.
func ExampleResult() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	shout := engine.Define[string]("text.shout")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, shout, func(ctx context.Context, text string) error {
		engine.Result(ctx, []byte(strings.ToUpper(text)))
		return nil
	})
	done := make(chan error)
	go func() { done <- eng.Run(ctx) }()

	for _, text := range []string{"more", "more", "less"} {
		t, err := shout.Enqueue(ctx, eng, text)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := eng.Wait(ctx, t.ID); err != nil {
			log.Fatal(err)
		}
		for e, err := range eng.History(ctx, t.ID) {
			if err != nil {
				log.Fatal(err)
			}
			if !e.Result.IsZero() {
				fmt.Println(text, e.Kind, e.Result)
			}
		}
	}
	stop()
	<-done
	// Output:
	// more succeeded fbf141b3e4e95df233ef5abcc57f4107
	// more succeeded fbf141b3e4e95df233ef5abcc57f4107
	// less succeeded d04207074c3060327950a9e31d5fbc17
}
