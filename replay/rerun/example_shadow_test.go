package rerun_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// record makes a history: mails that were sent, and one that was not.
func record(ctx context.Context, l *streams.Log) error {
	var births []task.Birth
	for _, to := range []string{"a@b.c", "nobody", "x@y.z"} {
		births = append(births, task.Birth{Type: "email.send", Queue: "mail", Payload: []byte(to)})
	}
	if _, err := l.Enqueue(ctx, births); err != nil {
		return err
	}
	s, err := l.Join(ctx, "mail", 0)
	if err != nil {
		return err
	}
	batch, err := s.Fetch(ctx, len(births), 0)
	if err != nil {
		return err
	}
	var outcomes []task.Settlement
	for i, d := range batch.Deliveries {
		o := task.Settlement{Delivery: &batch.Deliveries[i], Kind: task.OutcomeSuccess}
		if string(d.Payload) == "nobody" {
			o.Kind, o.Reason, o.Error = task.OutcomeDead, "buried", "no such address"
		}
		outcomes = append(outcomes, o)
	}
	_, err = s.Settle(ctx, outcomes)
	return err
}

// A branch accepts an address that was refused: replayed against yesterday's
// mails, it shows. With an engine, engine.Perform makes the settlements.
func ExampleShadow() {
	ctx := context.Background()
	l, err := streams.New("mem://", streams.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if err := record(ctx, l); err != nil {
		log.Fatal(err)
	}

	s := rerun.Shadow{
		Scope:       rerun.Scope{Filter: replay.Filter{Types: []task.Type{"email.send"}}},
		Concurrency: 8,
		Handler: func(context.Context, *task.Delivery) task.Settlement {
			return task.Settlement{Kind: task.OutcomeSuccess} // no address is refused any more
		},
	}
	diff, err := s.Run(ctx, l.Reader())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d compared, %d changed; over 1%%: %t\n", diff.Compared, diff.Changed, diff.Exceeds(1))
	for _, e := range diff.Types()[0].Examples {
		fmt.Printf("attempt %d: %s, was %s: %s\n", e.Attempt, e.Now, e.Then, e.Error)
	}
	// Output:
	// 3 compared, 1 changed; over 1%: true
	// attempt 1: succeeded, was dead: no such address
}
