package replay

import (
	"testing"

	"github.com/tidemill/tidemill/task"
)

// The questions over a history in memory: what they cost beside reading it.
func benchmark(b *testing.B, ask func(src Source) error) {
	log := bulk(50_000)
	src := one(log)
	b.ReportAllocs()
	for b.Loop() {
		if err := ask(src); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(log)*b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAt(b *testing.B) {
	benchmark(b, func(src Source) error {
		_, err := At(b.Context(), src, Moment{})
		return err
	})
}

func BenchmarkSelectByType(b *testing.B) {
	benchmark(b, func(src Source) error {
		for _, err := range Select(b.Context(), src, Filter{Types: []task.Type{"t"}}, Cursor{}) {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkSelectByKind(b *testing.B) {
	benchmark(b, func(src Source) error {
		for _, err := range Select(b.Context(), src, Filter{Kinds: []task.Kind{task.OutcomeDead}}, Cursor{}) {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkStatistics(b *testing.B) {
	benchmark(b, func(src Source) error {
		_, err := Statistics(b.Context(), src, Filter{}, 0)
		return err
	})
}
