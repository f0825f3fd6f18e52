package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// announce is a middleware: it takes the next handler and returns its own.
func announce(next engine.Handler) engine.Handler {
	return func(ctx context.Context, d *engine.Delivery) error {
		fmt.Println("start", d.Type, "for", d.Headers["tenant"])
		err := next(ctx, d)
		fmt.Println("end", d.Type, err)
		return err
	}
}

// Use wraps every handler, whatever its type. The first middleware is outermost.
func ExampleEngine_Use() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	export := engine.Define[string]("report.export")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	eng.Use(announce)
	engine.Handle(eng, export, func(ctx context.Context, file string) error {
		fmt.Println("write", file)
		stop()
		return nil
	})
	if _, err := export.Enqueue(ctx, eng, "q3.csv", engine.Header("tenant", "acme")); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// start report.export for acme
	// write q3.csv
	// end report.export <nil>
}
