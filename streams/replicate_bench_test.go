package streams_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// BenchmarkEnqueueReplicated compares births that wait for a replica with those
// that do not, from one goroutine and from 64, on a pair over TCP.
func BenchmarkEnqueueReplicated(b *testing.B) {
	master := redistest.Start(b, redisproc.Options{TCP: true, Args: []string{"--repl-diskless-sync-delay", "0"}})
	o, err := redis.ParseURL(master.URL())
	if err != nil {
		b.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(o.Addr)
	redistest.Start(b, redisproc.Options{TCP: true, Args: []string{"--replicaof", host, port}})
	l := open(b, master.URL(), streams.Options{})
	for _, d := range []task.Durability{task.Local, task.Replicated} {
		births := []task.Birth{{Type: "bench", Queue: queue, Payload: make([]byte, 100), Durability: d}}
		for err := error(task.ErrNotReplicated); err != nil; { // until the replica is there
			_, err = l.Enqueue(b.Context(), births)
		}
		b.Run(d.String()+"/1", func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Enqueue(b.Context(), births); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
		b.Run(d.String()+"/64", func(b *testing.B) {
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := l.Enqueue(b.Context(), births); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
