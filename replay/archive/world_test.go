package archive_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

const queue = "q"

func TestMain(m *testing.M) { redistest.Main(m, func() {}) }

// world is a live log and an archive of it in a directory.
type world struct {
	*testing.T
	log     *streams.Log
	dir     archive.Dir
	url, ns string
	session *streams.Session
	ids     []task.ID
	open    []task.Delivery
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ns := redistest.Namespace(t)
	l, err := streams.New(redistest.URL(t), streams.Options{Namespace: ns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &world{T: t, log: l, dir: archive.Dir(t.TempDir()), url: redistest.URL(t), ns: ns}
	_, err = l.Register(t.Context(), queue)
	w.must(err)
	w.session, err = l.Join(t.Context(), queue, 0)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// work makes n births, some of them for later, and gives what can be run all kinds
// of outcomes.
func (w *world) work(n int) {
	w.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: task.Type(fmt.Sprintf("type%d", i%3)), Queue: queue, Payload: fmt.Appendf(nil, "secret %d", rand.N(1000))}
		if i%5 == 0 {
			births[i].In = time.Duration(rand.N(3)) * time.Hour
		}
	}
	got, err := w.log.Enqueue(w.Context(), births)
	w.must(err)
	for _, e := range got {
		w.ids = append(w.ids, e.ID)
	}
	b, err := w.session.Fetch(w.Context(), n, 0)
	w.must(err)
	ds := append(w.open, b.Deliveries...)
	kinds := []task.Kind{task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeDead, task.HandedBack}
	for len(ds) > 3 { // a few stay held
		m := min(len(ds)-3, 50)
		out := make([]task.Settlement, m)
		for i := range out {
			out[i] = task.Settlement{
				Delivery: &ds[i], Kind: kinds[rand.N(len(kinds))], Delay: time.Hour, Error: "boom", Ran: time.Millisecond,
				Result: task.Digest{byte(i % 3)}, // some report none
			}
		}
		_, err := w.session.Settle(w.Context(), out)
		w.must(err)
		ds = ds[m:]
	}
	w.open = ds
}

// archive copies what the log has so far.
func (w *world) archive() {
	w.Helper()
	w.must(w.archiver().Once(w.Context()))
}

func (w *world) archiver() *archive.Archiver {
	return archive.New(archive.Of(w.log.Reader()), w.dir, archive.Options{Namespace: w.ns})
}

func (w *world) read() *archive.Archive {
	w.Helper()
	a, err := archive.Open(w.Context(), w.dir)
	w.must(err)
	return a
}

// events reads a source to its end.
func (w *world) events(src replay.Source) (all []task.Event) {
	w.Helper()
	for e, err := range src.Events(w.Context(), queue, 0, task.Position{}) {
		w.must(err)
		all = append(all, e)
	}
	return all
}
