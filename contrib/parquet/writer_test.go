package parquet_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/tidemill/tidemill/contrib/parquet"
	"github.com/tidemill/tidemill/task"
)

// events of every kind, with texts of any bytes.
func events(n int) (all []task.Event) {
	kinds := task.Kinds()
	for i := range n {
		at := task.Position{Ms: 1_795_365_844_538 + int64(i), LSN: int64(i + 1)}
		e := task.Event{At: at, Partition: 3, Queue: "mail", Kind: kinds[i%len(kinds)], Task: task.NewID(3, 2, at), Attempt: i % 3}
		switch i % 4 {
		case 0:
			e.Type, e.Payload, e.Headers = "email.send", []byte{0, byte(i), 0xff}, map[string]string{"n": fmt.Sprint(i)}
		case 1:
			e.Error, e.Consumer, e.Ran = "\xffno\nsuch user", "01M8229DHX42NHE45DSMEJTZFX@v1", time.Duration(i)*time.Microsecond
		case 2:
			e.Result = task.Digest{byte(i), 1}
			e.DueMs, e.Prev, e.Opts.Key = at.Ms+5, at, "k"
		case 3:
			e.Erased, e.Actor, e.Reason = true, "ann", "ticket"
		}
		all = append(all, e)
	}
	return all
}

// What is written is read back row by row, over several row groups.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	all := events(150_000)
	var b bytes.Buffer
	w := parquet.NewWriter(&b)
	for i := range all {
		if err := w.Write(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := pq.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.RowGroups()); n != 3 {
		t.Errorf("%d row groups, want 3", n)
	}
	rows := make([]parquet.Row, len(all))
	r := pq.NewGenericReader[parquet.Row](f)
	if n, err := r.Read(rows); n != len(all) {
		t.Fatalf("%d rows of %d: %v", n, len(all), err)
	}
	for i := range all {
		want := parquet.RowOf(&all[i])
		if len(rows[i].Payload) == 0 {
			rows[i].Payload = want.Payload // null and empty are the same
		}
		if d := cmp.Diff(want, rows[i]); d != "" {
			t.Fatalf("row %d (-want +got):\n%s", i, d)
		}
		if got, want := rows[i].Result, all[i].Result.String(); got != want {
			t.Fatalf("row %d: got result %s, want %s", i, got, want)
		}
	}
}

// An empty history is a file without rows.
func TestEmpty(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := parquet.NewWriter(&b).Close(); err != nil {
		t.Fatal(err)
	}
	f, err := pq.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || f.NumRows() != 0 {
		t.Errorf("%v, %v", f, err)
	}
}
