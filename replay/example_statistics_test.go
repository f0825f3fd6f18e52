package replay_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Rates, waits, run times and errors of a stretch of history, by type.
func ExampleStatistics() {
	ctx := context.Background()
	l, err := streams.New("mem://", streams.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	births := []task.Birth{{Queue: "mail", Type: "email.send"}, {Queue: "mail", Type: "email.send"}}
	if _, err := l.Enqueue(ctx, births); err != nil {
		log.Fatal(err)
	}
	s, err := l.Join(ctx, "mail", 0)
	if err != nil {
		log.Fatal(err)
	}
	b, err := s.Fetch(ctx, 2, time.Second)
	if err != nil {
		log.Fatal(err)
	}
	var out []task.Settlement
	for i := range b.Deliveries {
		d := &b.Deliveries[i]
		failed := fmt.Sprintf("smtp 10.0.0.%d: no such user", d.Entry.LSN)
		out = append(out, task.Settlement{Delivery: d, Kind: task.OutcomeDead, Reason: "buried", Error: failed, Ran: 20 * time.Millisecond})
	}
	if _, err := s.Settle(ctx, out); err != nil {
		log.Fatal(err)
	}
	stats, err := replay.Statistics(ctx, l.Reader(), replay.Filter{}, time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range stats.Total {
		fmt.Printf("%s: %d enqueued, %d dead, ran %s at most\n", r.Type, r.Enqueued, r.Dead, r.Run.Max())
	}
	for _, g := range stats.Errors {
		fmt.Printf("%d times: %s\n", g.Count, g.Text)
	}
	// Output:
	// email.send: 2 enqueued, 2 dead, ran 20ms at most
	// 2 times: smtp N: no such user
}
