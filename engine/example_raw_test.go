package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// bridge passes webhooks on: their types are known when the program runs, not
// when it is compiled.
type bridge struct{ to engine.Producer }

func (b bridge) receive(ctx context.Context, event string, body []byte) error {
	_, err := b.to.Produce(ctx, []task.Birth{{
		Type: task.Type("hook." + event), Payload: body, Headers: map[string]string{"via": "http"},
	}})
	return err
}

// Produce and HandleRaw are what typed tasks are made of: names and bytes.
func ExampleEngine_HandleRaw() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	eng.HandleRaw("hook.push", func(ctx context.Context, d *engine.Delivery) error {
		fmt.Printf("%s via %s: %s\n", d.Type, d.Headers["via"], d.Payload)
		stop()
		return nil
	})
	if err := (bridge{to: eng}).receive(ctx, "push", []byte(`{"ref":"main"}`)); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: hook.push via http: {"ref":"main"}
}
