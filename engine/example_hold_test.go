package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// A hold keeps a range of the history, whatever the retention of the queue, until it
// is released. Who asked for it and why is in the log.
func ExampleEngine_Hold() {
	ctx := context.Background()
	send := engine.Define[string]("mail.send", engine.Queue("mail"))
	eng, err := engine.Open(ctx, "mem://", engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()
	if _, err := send.Enqueue(ctx, eng, "a@b.c"); err != nil {
		log.Fatal(err)
	}

	by := engine.By{Actor: "ada", Reason: "letter of the court"}
	held, err := eng.Hold(ctx, "case-4711", "mail", engine.HoldFrom{Time: time.Now().Add(-time.Hour)}, by)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range held {
		fmt.Printf("%s holds %s from lsn %d\n", h.Name, h.Queue, h.From.LSN)
	}
	by.Reason = "case closed"
	fmt.Println("released:", eng.EndHold(ctx, "case-4711", "mail", by))
	left, err := eng.Holds(ctx, "mail")
	fmt.Println(len(left), "holds", err)
	// Output:
	// case-4711 holds mail from lsn 1
	// released: <nil>
	// 0 holds <nil>
}
