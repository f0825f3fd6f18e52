package streamstest

import (
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var reclaimCases = []testCase{
	{"takes all, in order, with what they carry", reclaimAll},
	{"more than a page", reclaimPages},
	{"alive: the record moved", reclaimAlive},
	{"spares the living", reclaimSpares},
	{"counts 1 to 2, then stay", reclaimCounts},
	{"counts of scattered deliveries stay", reclaimScattered},
	{"by two at once", reclaimTwo},
	{"beside a fetch", reclaimBesideFetch},
	{"of a consumer without a record", reclaimOrphan},
	{"of one that holds nothing", reclaimEmpty},
}

// reclaimBesideFetch: one session takes over and reads side by side, here types that it
// has not seen yet.
func reclaimBesideFetch(w *world) {
	const n = 100
	types := func(prefix string) {
		births := make([]task.Birth, n)
		for i := range births {
			births[i] = task.Birth{Type: task.Type(fmt.Sprint(prefix, i)), Queue: queue}
		}
		w.enqueue(births...)
	}
	a, b := w.join(), w.join()
	types("a")
	w.fetch(a, n)
	types("b")
	taken := make(chan []task.Delivery)
	go func() { taken <- w.reclaim(b, a.Name()) }()
	all := append(w.fetch(b, n), <-taken...)
	seen := map[task.Type]bool{}
	for _, d := range all {
		seen[d.Type] = true
	}
	if len(all) != 2*n || len(seen) != 2*n {
		w.Errorf("%d deliveries of %d types, want %d of as many", len(all), len(seen), 2*n)
	}
}

func reclaimAll(w *world) {
	a, b := w.join(), w.join()
	b1 := birth("x")
	b1.Headers, b1.Opts = map[string]string{"k": "v"}, task.Opts{Retries: 2}
	w.enqueue(b1)
	ds := append(w.fetch(a, 1), w.held(a, 4)...)
	got := w.reclaim(b, a.Name())
	if len(got) != len(ds) {
		w.Fatalf("took %d, want %d", len(got), len(ds))
	}
	for i := range got {
		if got[i].ID != ds[i].ID || got[i].Entry != ds[i].Entry || got[i].Attempt != 1 || got[i].Count != 2 || got[i].Starts() != 1 ||
			got[i].Token == "" || got[i].Queue != queue {
			w.Errorf("delivery %d: %+v", i, got[i])
		}
	}
	if got[0].Headers["k"] != "v" || got[0].Opts.Retries != 2 || string(got[0].Payload) != "x" {
		w.Errorf("first: %+v", got[0])
	}
	w.state(got[0].ID, task.Running)
	w.settle(b, task.OutcomeSuccess, task.Recorded, got...)
	all, err := b.Observe(w.ctx, true)
	if w.must(err); len(all) != 0 {
		w.Errorf("the victim is still there: %v", all)
	}
}

func reclaimPages(w *world) {
	a, b := w.join(), w.join()
	const n = 600
	w.held(a, n)
	seen := w.record(b, a.Name())
	total, calls := 0, 0
	for more := true; more; calls++ {
		var batch task.Batch
		var err error
		batch, more, err = b.Reclaim(w.ctx, a.Name(), seen)
		w.must(err)
		total += len(batch.Deliveries)
		if len(batch.Deliveries) > 256 {
			w.Errorf("a page of %d", len(batch.Deliveries))
		}
	}
	if total != n || calls != 4 {
		w.Errorf("took %d in %d calls, want %d in 4", total, calls, n)
	}
}

// reclaimAlive: whatever moves the record saves the consumer.
func reclaimAlive(w *world) {
	a, b := w.join(), w.join()
	ds := w.held(a, 3)
	alive := func(what, seen string) {
		w.Helper()
		batch, more, err := b.Reclaim(w.ctx, a.Name(), seen)
		if w.must(err); more || len(batch.Deliveries) > 0 {
			w.Fatalf("after %s: took %d from the living", what, len(batch.Deliveries))
		}
	}
	seen := w.record(b, a.Name())
	_, _, err := a.Renew(w.ctx, nil)
	w.must(err)
	alive("renew", seen)
	seen = w.record(b, a.Name())
	w.settle(a, task.OutcomeSuccess, task.Recorded, ds[0])
	alive("settle", seen)
	alive("nothing known", "")
	alive("death of another", "dead")
	w.settle(a, task.OutcomeSuccess, task.Recorded, ds[1:]...)
}

func reclaimSpares(w *world) {
	a, b, c := w.join(), w.join(), w.join()
	mine, theirs := w.held(a, 5), w.held(c, 5)
	mine = append(mine, w.held(a, 5)...)
	if got := w.reclaim(b, a.Name()); len(got) != len(mine) {
		w.Errorf("took %d, want %d", len(got), len(mine))
	}
	w.settle(c, task.OutcomeSuccess, task.Recorded, theirs...)
}

// count takes entries from one to the next and returns their counts.
func (w *world) counts(ds []task.Delivery) []int {
	counts := make([]int, len(ds))
	for i := range ds {
		counts[i] = ds[i].Count
	}
	return counts
}

func reclaimCounts(w *world) {
	a := w.join()
	w.held(a, 3)
	for range 4 {
		b := w.join()
		got := w.reclaim(b, a.Name())
		if c := w.counts(got); !slices.Equal(c, []int{2, 2, 2}) {
			w.Fatalf("counts %v, want 2 2 2", c)
		}
		a = b
	}
	b := w.join()
	got := w.reclaim(b, a.Name())
	_, err := b.Charge(w.ctx, []*task.Delivery{&got[1]})
	w.must(err)
	c := w.join()
	if n := w.counts(w.reclaim(c, b.Name())); !slices.Equal(n, []int{2, 3, 2}) {
		w.Errorf("counts %v, want 2 3 2", n)
	}
}

// reclaimScattered: two fenced consumers whose entries lie far apart among those
// of others. The scan that takes a page ends before it has seen all, and what
// was marked for one page is taken by another.
func reclaimScattered(w *world) {
	a, b := w.join(), w.join()
	others, between := w.join(), 200
	if w.log.InMemory() {
		between = 20 // it walks a whole stream for each read, and has no bound that 200 would meet
	}
	for i := range 24 {
		w.held(others, between)
		w.held(b, 2)
		if i >= 16 {
			w.held(a, 8)
		}
	}
	taker := w.join()
	got := w.reclaim(taker, b.Name())
	for i := range got {
		_, err := taker.Charge(w.ctx, []*task.Delivery{&got[i]})
		w.must(err)
	}
	next := w.join()
	seenA, seenT := w.record(next, a.Name()), w.record(next, taker.Name())
	count := map[int]int{}
	take := func(victim, seen string) bool {
		batch, more, err := next.Reclaim(w.ctx, victim, seen)
		w.must(err)
		for _, d := range batch.Deliveries {
			count[d.Count]++
		}
		return more
	}
	for more := true; more; {
		moreT := take(taker.Name(), seenT)
		more = take(a.Name(), seenA) || moreT
	}
	if want := map[int]int{2: 8 * 8, 3: 24 * 2}; fmt.Sprint(count) != fmt.Sprint(want) {
		w.Errorf("deliveries by count: %v, want %v", count, want)
	}
}

// reclaimTwo: any node may go on where another began.
func reclaimTwo(w *world) {
	a, b, c := w.join(), w.join(), w.join()
	const n = 700
	w.held(a, n)
	seen := w.record(b, a.Name())
	total := 0
	for more := true; more; {
		for _, taker := range []*streams.Session{b, c} {
			batch, m, err := taker.Reclaim(w.ctx, a.Name(), seen)
			w.must(err)
			total, more = total+len(batch.Deliveries), m
		}
	}
	if total != n {
		w.Errorf("took %d, want %d", total, n)
	}
}

// reclaimOrphan: a consumer that was deleted while its read was on the way
// holds entries and has no record.
func reclaimOrphan(w *world) {
	a, b := w.join(), w.join()
	if got := w.reclaim(b, a.Name()); len(got) != 0 {
		w.Fatalf("took %d from one that held nothing", len(got))
	}
	ds := w.held(a, 2)
	w.fenced(a, ds[0])
	if rec := w.record(b, a.Name()); rec != "" {
		w.Errorf("record %q, want none", rec)
	}
	if got := w.reclaim(b, a.Name()); len(got) != 2 {
		w.Errorf("took %d, want 2", len(got))
	}
}

func reclaimEmpty(w *world) {
	a, b := w.join(), w.join()
	if got := w.reclaim(b, a.Name()); len(got) != 0 {
		w.Errorf("took %d, want 0", len(got))
	}
	all, err := b.Observe(w.ctx, true)
	if w.must(err); len(all) != 0 {
		w.Errorf("observed %v, want nobody", all)
	}
}
