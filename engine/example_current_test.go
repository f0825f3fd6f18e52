package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
)

// bank is a service that knows which requests it has seen.
type bank struct{ seen map[string]bool }

func (b *bank) transfer(key string, cents int) {
	if b.seen[key] {
		fmt.Println("transfer: done before")
		return
	}
	b.seen[key] = true
	fmt.Println("transfer:", cents)
}

// A task may run again after its effect took place, because a node died before
// it could say so. Its id is the key that makes the effect happen once; with the
// attempt appended, once in each attempt.
func ExampleCurrent() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pay := engine.Define[int]("salary.pay")

	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	b := &bank{seen: map[string]bool{}}
	engine.Handle(eng, pay, func(ctx context.Context, cents int) error {
		d, _ := engine.Current(ctx)
		b.transfer(d.ID.String(), cents)
		if d.Attempt == 1 {
			return engine.RetryIn(0, errors.New("lost the answer of the bank"))
		}
		stop()
		return nil
	})
	if _, err := pay.Enqueue(ctx, eng, 250_000); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// transfer: 250000
	// transfer: done before
}
