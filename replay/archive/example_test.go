package archive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// kept makes a log with one task and archives it.
func kept(ctx context.Context, name string) (*streams.Log, archive.Dir, task.ID) {
	log, err := streams.New("mem://"+name, streams.Options{})
	if err != nil {
		panic(err)
	}
	if _, err := log.Register(ctx, "mail"); err != nil {
		panic(err)
	}
	got, err := log.Enqueue(ctx, []task.Birth{{Type: "email.send", Queue: "mail", Payload: []byte("hello")}})
	if err != nil {
		panic(err)
	}
	temp, err := os.MkdirTemp("", "archive-")
	if err != nil {
		panic(err)
	}
	dir := archive.Dir(temp)
	if err := archive.New(archive.Of(log.Reader()), dir, archive.Options{Namespace: "default"}).Once(ctx); err != nil {
		panic(err)
	}
	return log, dir, got[0].ID
}

// An archive is written while the log grows, signed, and verified without it.
func ExampleVerify() {
	ctx := context.Background()
	log, dir, _ := kept(ctx, "verify")
	defer log.Close()
	defer os.RemoveAll(string(dir))
	private, public, _ := archive.NewKey("auditor")
	signer, err := archive.NewSigner(dir, private, public)
	if err != nil {
		panic(err)
	}
	if _, err := signer.Sign(ctx); err != nil {
		panic(err)
	}
	key, _ := archive.ParseKey(public)
	report, err := archive.Verify(ctx, dir, key)
	fmt.Println(report.OK(), report.Entries, "entries,", report.Signed, "signed", err)
	// Output: true 2 entries, 2 signed <nil>
}

// A proof convinces somebody who has the public key alone.
func ExampleCheck() {
	ctx := context.Background()
	log, dir, id := kept(ctx, "check")
	defer log.Close()
	defer os.RemoveAll(string(dir))
	private, public, _ := archive.NewKey("auditor")
	signer, err := archive.NewSigner(dir, private, public)
	if err != nil {
		panic(err)
	}
	if _, err := signer.Sign(ctx); err != nil {
		panic(err)
	}
	key, _ := archive.ParseKey(public)
	a, err := archive.Open(ctx, dir)
	if err != nil {
		panic(err)
	}
	proof, err := a.Prove(ctx, id, key)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(proof)
	_, events, err := archive.Check(body, key)
	fmt.Println(events[0].Kind, events[0].Task == id, err)
	// Output: born true <nil>
}

// A queue is written back as the archive has it.
func ExampleArchive_Past() {
	ctx := context.Background()
	log, dir, id := kept(ctx, "past")
	defer log.Close()
	defer os.RemoveAll(string(dir))
	a, err := archive.Open(ctx, dir)
	if err != nil {
		panic(err)
	}
	before, err := streams.New("mem://past", streams.Options{Namespace: "before"})
	if err != nil {
		panic(err)
	}
	defer before.Close()
	last := a.Segments("mail", 0)[0]
	past := streams.Past{Queue: "mail", Number: last.Number, Entries: a.Past(ctx, "mail", 0, last.To)}
	if err := before.Restore(ctx, []streams.Past{past}); err != nil {
		panic(err)
	}
	st, err := before.Reader().Status(ctx, id)
	fmt.Println(st.Type, st.State.Terminal(), string(st.Payload), err)
	// Output: email.send false hello <nil>
}
