package replay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Whoever stops in the middle goes on where the cursor stands, which is text.
func ExampleSelect() {
	ctx := context.Background()
	l, err := streams.New("mem://", streams.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	births := []task.Birth{{Queue: "mail", Type: "email.send"}, {Queue: "mail", Type: "log.write"}, {Queue: "mail", Type: "email.send"}}
	if _, err := l.Enqueue(ctx, births); err != nil {
		log.Fatal(err)
	}
	filter := replay.Filter{Types: []task.Type{"email.send"}}
	cursor := replay.Cursor{}
	for e, err := range replay.Select(ctx, l.Reader(), filter, cursor) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("lsn", e.At.LSN, e.Kind, e.Type)
		break
	}
	if cursor, err = replay.ParseCursor(cursor.String()); err != nil {
		log.Fatal(err)
	}
	for e, err := range replay.Select(ctx, l.Reader(), filter, cursor) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("then lsn", e.At.LSN, e.Kind, e.Type)
	}
	// Output:
	// lsn 2 born email.send
	// then lsn 4 born email.send
}
