package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

var charge = engine.Define[string]("charge", engine.Durability(engine.Replicated))

// A payment is acknowledged when a replica has it too. It needs a Redis with a
// replica, so this example is compiled and not run.
func ExampleDurability() {
	ctx := context.Background()
	eng, err := engine.Open(ctx, "redis://localhost:6379", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	t, err := charge.Enqueue(ctx, eng, "order-17", engine.Key("order-17"))
	switch {
	case errors.Is(err, engine.ErrNotReplicated): // it is in, on the primary alone
		fmt.Println("charge", t.ID, "would not survive the loss of the primary yet:", err)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("charge", t.ID, "is on two servers")
	}
}
