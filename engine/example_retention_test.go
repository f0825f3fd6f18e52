package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// SetRetention says how much history a queue keeps, on all nodes and without a
// restart. What is not set stays as the options of the nodes say.
func ExampleEngine_SetRetention() {
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

	by := engine.By{Actor: "ada", Reason: "policy 12"}
	if err := eng.SetRetention(ctx, "mail", engine.Retention{Age: 30 * 24 * time.Hour, Bytes: 1 << 30}, by); err != nil {
		log.Fatal(err)
	}
	partitions, err := eng.Retention(ctx, "mail")
	if err != nil {
		log.Fatal(err)
	}
	for _, keep := range partitions {
		fmt.Println(keep.Age, keep.Bytes)
	}
	// Output:
	// 720h0m0s 1073741824
}
