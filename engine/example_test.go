package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// Welcome is the payload of a task: plain data, sent as JSON.
type Welcome struct{ Name string }

// Define a type, handle it, enqueue a task of it, run. In a program the type is
// a package variable, which producers and workers share.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	welcome := engine.Define[Welcome]("user.welcome", engine.Retry(5))

	eng, err := engine.Open(ctx, "mem://", engine.Options{}) // or redis://localhost:6379
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, welcome, func(ctx context.Context, w Welcome) error {
		fmt.Println("welcome,", w.Name)
		stop() // one is enough for an example
		return nil
	})
	if _, err := welcome.Enqueue(ctx, eng, Welcome{Name: "Ada"}); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: welcome, Ada
}
