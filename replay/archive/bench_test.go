package archive_test

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// history makes n tasks that ran at once and succeeded, 64 to a packed entry.
func history(n int) (*fakeLog, []task.ID) {
	l, all := newFakeLog(), make([]task.ID, 0, n)
	for len(all) < n {
		from := len(all)
		for range 64 {
			all = append(all, l.birth())
		}
		l.succeed(all[from:]...)
	}
	return l, all
}

// benchmarked archives a history of tasks, two events each.
func benchmarked(b *testing.B, tasks int) (*archive.Archive, []task.ID) {
	b.Helper()
	l, all := history(tasks)
	dir := archive.Dir(b.TempDir())
	if err := archive.New(l, dir, archive.Options{Namespace: "ns"}).Once(b.Context()); err != nil {
		b.Fatal(err)
	}
	a, err := archive.Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	return a, all
}

// perEvent reports the rate.
func perEvent(b *testing.B, events int) {
	b.Helper()
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkArchive(b *testing.B) {
	const tasks = 100_000
	l, _ := history(tasks)
	bytes := int64(0)
	for b.Loop() {
		dir := archive.Dir(b.TempDir())
		if err := archive.New(l, dir, archive.Options{Namespace: "ns"}).Once(b.Context()); err != nil {
			b.Fatal(err)
		}
		a, err := archive.Open(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		bytes = 0
		for m := range a.All() {
			bytes += m.Bytes
		}
	}
	perEvent(b, 2*tasks)
	b.ReportMetric(float64(bytes)/(2*tasks), "B/event")
}

func BenchmarkFold(b *testing.B) {
	const tasks = 500_000
	a, _ := benchmarked(b, tasks)
	for b.Loop() {
		if _, err := replay.Fold(b.Context(), a.Bare()); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, 2*tasks)
}

func BenchmarkVerify(b *testing.B) {
	const tasks = 100_000
	l, _ := history(tasks)
	dir := archive.Dir(b.TempDir())
	if err := archive.New(l, dir, archive.Options{Namespace: "ns"}).Once(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := archive.Verify(b.Context(), dir, nil); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, 2*tasks)
}

// BenchmarkLong asks an archive of ten million events for all about one task, and for
// the state at a moment.
func BenchmarkLong(b *testing.B) {
	const tasks = 5_000_000
	a, all := benchmarked(b, tasks)
	b.Run("about", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			id, n := all[i*7919%len(all)], 0
			for e, err := range a.About(b.Context(), queue, 0, task.Position{}, id) {
				if err != nil {
					b.Fatal(err)
				}
				if e.Task == id {
					n++
				}
			}
			if n != 2 {
				b.Fatalf("%d events of a task, want 2", n)
			}
		}
	})
	b.Run("at", func(b *testing.B) {
		slowest := time.Duration(0)
		for i := 0; b.Loop(); i++ {
			m := replay.Moment{LSN: all[i*7919*613%len(all)].LSN(), Queue: queue}
			began := time.Now()
			if _, err := replay.At(b.Context(), a, m); err != nil {
				b.Fatal(err)
			}
			slowest = max(slowest, time.Since(began))
		}
		b.ReportMetric(float64(slowest.Milliseconds()), "ms/slowest")
	})
}
