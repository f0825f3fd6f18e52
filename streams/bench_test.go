package streams_test

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// batch is how many tasks one call carries.
const batch = 256

func benchBirths() []task.Birth {
	births := make([]task.Birth, batch)
	for i := range births {
		births[i] = task.Birth{Type: "bench", Queue: queue, Payload: make([]byte, 100)}
	}
	return births
}

func perTask(b *testing.B) {
	b.ReportAllocs()
	n := float64(b.N * batch)
	b.ReportMetric(n/b.Elapsed().Seconds(), "tasks/s")
}

// clear takes the log off the server, that a long run does not fill it.
func clearLog(b *testing.B, l *streams.Log) {
	b.Helper()
	k, err := l.Keys(b.Context(), queue, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.DB().Del(b.Context(), k.Tasks, k.Events) })
}

func BenchmarkEnqueueBulk(b *testing.B) {
	l := open(b, redistest.URL(b), streams.Options{})
	clearLog(b, l)
	births := benchBirths()
	for b.Loop() {
		if _, err := l.Enqueue(b.Context(), births); err != nil {
			b.Fatal(err)
		}
	}
	perTask(b)
}

func BenchmarkEnqueueOne(b *testing.B) {
	l := open(b, redistest.URL(b), streams.Options{})
	clearLog(b, l)
	births := benchBirths()[:1]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Enqueue(b.Context(), births); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFetch reads whole batches; what fills the stream is not timed.
func BenchmarkFetch(b *testing.B) {
	l, s, births := benchSession(b)
	for b.Loop() {
		b.StopTimer()
		if _, err := l.Enqueue(b.Context(), births); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		got, err := s.Fetch(b.Context(), batch, time.Second)
		if err != nil || len(got.Deliveries) != batch {
			b.Fatal(len(got.Deliveries), err)
		}
	}
	perTask(b)
}

// BenchmarkSettle records whole batches of successes.
func BenchmarkSettle(b *testing.B) {
	l, s, births := benchSession(b)
	out := make([]task.Settlement, batch)
	for b.Loop() {
		b.StopTimer()
		if _, err := l.Enqueue(b.Context(), births); err != nil {
			b.Fatal(err)
		}
		got, err := s.Fetch(b.Context(), batch, time.Second)
		if err != nil || len(got.Deliveries) != batch {
			b.Fatal(len(got.Deliveries), err)
		}
		for i := range out {
			out[i] = task.Settlement{Delivery: &got.Deliveries[i], Kind: task.OutcomeSuccess, Ran: time.Millisecond}
		}
		b.StartTimer()
		if _, err := s.Settle(b.Context(), out); err != nil {
			b.Fatal(err)
		}
	}
	perTask(b)
}

func benchSession(b *testing.B) (*streams.Log, *streams.Session, []task.Birth) {
	b.Helper()
	l := open(b, redistest.URL(b), streams.Options{})
	clearLog(b, l)
	s, err := l.Join(b.Context(), queue, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Interrupt)
	return l, s, benchBirths()
}

// BenchmarkRelease releases whole batches that are due.
func BenchmarkRelease(b *testing.B) {
	l := open(b, redistest.URL(b), streams.Options{})
	clearLog(b, l)
	w, err := l.Waiting(b.Context(), queue, 0)
	if err != nil {
		b.Fatal(err)
	}
	births := benchBirths()[:streams.MaxRelease]
	for i := range births {
		births[i].At = time.UnixMilli(1) // due as soon as it is in
	}
	ids := make([]task.ID, len(births))
	for b.Loop() {
		b.StopTimer()
		got, err := l.Enqueue(b.Context(), births)
		if err != nil {
			b.Fatal(err)
		}
		for i := range got {
			ids[i] = got[i].ID
		}
		b.StartTimer()
		n, _, _, err := w.Release(b.Context(), ids)
		if err != nil || n != len(ids) {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N*len(ids))/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkFold folds the log of a server: of tasks that ran as they came, and of a
// backlog that was drained.
func BenchmarkFold(b *testing.B) {
	const tasks = 64 * batch
	for name, ahead := range map[string]int{"steady": batch, "backlog": tasks} {
		b.Run(name, func(b *testing.B) {
			l, s, births := benchSession(b)
			for done := 0; done < tasks; done += ahead {
				for n := 0; n < ahead; n += batch {
					if _, err := l.Enqueue(b.Context(), births); err != nil {
						b.Fatal(err)
					}
				}
				for n := 0; n < ahead; n += batch {
					succeed(b, s)
				}
			}
			for b.Loop() {
				f, n := task.NewFold(), 0
				for e, err := range l.Reader().Events(b.Context(), queue, 0, task.Position{}) {
					if err != nil {
						b.Fatal(err)
					}
					if f.Add(&e); e.Kind == task.OutcomeSuccess {
						n++
					}
				}
				if n != tasks || len(f.Entries) > 0 {
					b.Fatalf("%d of %d tasks succeeded, %d are open", n, tasks, len(f.Entries))
				}
			}
			b.ReportMetric(float64(2*tasks*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// succeed settles one batch.
func succeed(b *testing.B, s *streams.Session) {
	b.Helper()
	got, err := s.Fetch(b.Context(), batch, time.Second)
	if err != nil || len(got.Deliveries) != batch {
		b.Fatal(len(got.Deliveries), err)
	}
	out := make([]task.Settlement, batch)
	for i := range out {
		out[i] = task.Settlement{Delivery: &got.Deliveries[i], Kind: task.OutcomeSuccess, Ran: time.Millisecond}
	}
	if _, err := s.Settle(b.Context(), out); err != nil {
		b.Fatal(err)
	}
}
