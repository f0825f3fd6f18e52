package replay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// What happened to a task, who did it, and why.
func ExampleTimeline() {
	ctx := context.Background()
	l, err := streams.New("mem://", streams.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	tasks, err := l.Enqueue(ctx, []task.Birth{{Queue: "mail", Type: "email.send"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := l.Cancel(ctx, tasks[0].ID, streams.By{Actor: "ops", Reason: "sent by hand"}); err != nil {
		log.Fatal(err)
	}
	events, err := replay.Timeline(ctx, l.Reader(), tasks[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range events {
		fmt.Printf("lsn %d: %s, %q %q\n", e.At.LSN, e.Kind, e.Actor, e.Reason)
	}
	// Output:
	// lsn 2: born, "" ""
	// lsn 3: cancelled, "ops" "sent by hand"
}
