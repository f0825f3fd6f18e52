package rerun

import (
	"testing"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// BenchmarkRead is what pairing costs, of a source that costs nothing.
func BenchmarkRead(b *testing.B) {
	a := newAuthor(0)
	for range 50_000 {
		a.done("mail", task.OutcomeSuccess, "")
	}
	h := history{a.log}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Read(b.Context(), h, replay.Filter{}, nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 50_000 {
			b.Fatalf("got %d attempts", n)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(a.log))/b.Elapsed().Seconds(), "events/s")
}
