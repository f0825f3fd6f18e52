package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// Invoice says whom to bill for which month.
type Invoice struct{ Customer, Month string }

// With a key enqueueing may be repeated: after a crash, an error, a second click.
// Until the key is forgotten, after 24 hours, the task is made once.
func ExampleKey() {
	ctx := context.Background()
	bill := engine.Define[Invoice]("invoice.send")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	inv := Invoice{Customer: "acme", Month: "2026-11"}
	first, err := bill.Enqueue(ctx, eng, inv, engine.Key(inv.Customer+" "+inv.Month))
	if err != nil {
		log.Fatal(err)
	}
	again, err := bill.Enqueue(ctx, eng, inv, engine.Key(inv.Customer+" "+inv.Month))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Existing, again.Existing, first.ID == again.ID)
	// Output: false true true
}
