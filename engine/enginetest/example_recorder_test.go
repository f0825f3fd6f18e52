package enginetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/engine/enginetest"
)

// Mail is a task of the program under test.
type Mail struct{ To, Text string }

var sendMail = engine.Define[Mail]("mail.send", engine.Queue("mail"))

// signUp is the code under test. It takes a Producer, not an Engine.
func signUp(ctx context.Context, to engine.Producer, address string) error {
	_, err := sendMail.Enqueue(ctx, to, Mail{To: address, Text: "welcome"}, engine.Key(address))
	if err != nil {
		return fmt.Errorf("sign up %s: %w", address, err)
	}
	_, err = sendMail.Enqueue(ctx, to, Mail{To: address, Text: "any questions?"}, engine.In(24*time.Hour))
	return err
}

// A Recorder stands in for Redis where code enqueues.
func ExampleRecorder() {
	ctx := context.Background()
	var rec enginetest.Recorder
	fmt.Println(signUp(ctx, &rec, "a@b.c"))
	for _, m := range enginetest.Of(&rec, sendMail) {
		fmt.Printf("%+v\n", m)
	}
	for _, b := range rec.Births() {
		fmt.Printf("%s in %s, key %q\n", b.Type, b.In, b.Key)
	}

	rec.FailWith(engine.ErrBackpressure)
	fmt.Println(signUp(ctx, &rec, "d@e.f"))
	// Output:
	// <nil>
	// {To:a@b.c Text:welcome}
	// {To:a@b.c Text:any questions?}
	// mail.send in 0s, key "a@b.c"
	// mail.send in 24h0m0s, key ""
	// sign up d@e.f: back-pressure
}
