package streams_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// target is a namespace to restore into.
type target struct {
	*testing.T
	ns  string
	log *streams.Log
	db  redis.UniversalClient
}

func newTarget(t *testing.T) *target {
	ns := redistest.Namespace(t)
	l := open(t, redistest.URL(t), streams.Options{Namespace: ns})
	return &target{T: t, ns: ns, log: l, db: l.DB()}
}

// keys returns every key of the namespace with its bytes.
func (d *target) keys() map[string]string {
	d.Helper()
	all := map[string]string{}
	for _, pattern := range []string{keys.Pattern(d.ns), keys.Registry(d.ns)} {
		it := d.db.Scan(d.Context(), 0, pattern, 1000).Iterator()
		for it.Next(d.Context()) {
			all[it.Val()] = d.db.Dump(d.Context(), it.Val()).Val()
		}
		if err := it.Err(); err != nil {
			d.Fatal(err)
		}
	}
	return all
}

// past copies the log of the rig's queue. Ahead of the last entry it calls meanwhile.
func (r *rig) past(q task.Queue, n task.Partition, meanwhile func()) streams.Past {
	r.Helper()
	f, err := r.log.Reader().Feed(r.ctx, queue, 0)
	r.must(err)
	page, err := f.Page(r.ctx, task.Position{})
	r.must(err)
	return streams.Past{Queue: q, Number: n, Entries: func(yield func(task.Entry, error) bool) {
		for i, e := range page.Entries {
			if i == len(page.Entries)-1 && meanwhile != nil {
				meanwhile()
			}
			if !yield(e, nil) {
				return
			}
		}
	}}
}

var errStopped = errors.New("stopped")

// stopped is the log of a restore that does not come to its end.
func stopped(q task.Queue) streams.Past {
	return streams.Past{Queue: q, Entries: func(yield func(task.Entry, error) bool) { yield(task.Entry{}, errStopped) }}
}

// A namespace that holds a queue, a key of one, or the beginning of another restore
// is refused, and nothing is written into it.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	from := newRig(t, redistest.URL(t), streams.Options{Namespace: redistest.Namespace(t)})
	from.ready(3)
	for name, test := range map[string]struct {
		holds func(*target) error
		want  error
	}{
		"the queue": {func(d *target) error {
			_, err := d.log.Enqueue(d.Context(), []task.Birth{{Type: "work", Queue: queue}})
			return err
		}, streams.ErrNotEmpty},
		"another queue": {func(d *target) error {
			_, err := d.log.Register(d.Context(), "other")
			return err
		}, streams.ErrNotEmpty},
		"a key of one": {func(d *target) error {
			return d.db.Set(d.Context(), keys.New(d.ns, "lost", 7).Meta, "", 0).Err()
		}, streams.ErrNotEmpty},
		"half a restore": {func(d *target) error {
			if err := d.log.Restore(d.Context(), []streams.Past{stopped("other")}); !errors.Is(err, errStopped) {
				return err
			}
			return nil
		}, streams.ErrHalfRestored},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newTarget(t)
			if err := test.holds(d); err != nil {
				t.Fatal(err)
			}
			before := d.keys()
			err := d.log.Restore(t.Context(), []streams.Past{from.past(queue, 0, nil)})
			if !errors.Is(err, test.want) || !errors.Is(err, streams.ErrNotEmpty) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if after := d.keys(); len(before) == 0 || !maps.Equal(before, after) {
				t.Errorf("it held %q, and now %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

// What no registry could hold is refused before anything is written.
func TestRestoreAsks(t *testing.T) {
	t.Parallel()
	d := newTarget(t)
	for name, test := range map[string]struct {
		pasts []streams.Past
		want  error
	}{
		"nothing":        {nil, task.ErrInvalidOption},
		"no name":        {[]streams.Past{stopped("a/b")}, task.ErrInvalidName},
		"a number twice": {[]streams.Past{stopped("a"), stopped("b")}, task.ErrInvalidOption},
	} {
		if err := d.log.Restore(t.Context(), test.pasts); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if all := d.keys(); len(all) > 0 {
		t.Errorf("it holds %q", slices.Sorted(maps.Keys(all)))
	}
}

// openIn counts what is ready or running in a queue.
func openIn(t *testing.T, l *streams.Log, q task.Queue) (n int64) {
	t.Helper()
	stats, err := l.Reader().Stats(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stats {
		n += s.Ready + s.Running
	}
	return n
}

// Several queues are restored in one call, with the numbers they had; what is
// registered later gets others.
func TestRestoreSeveral(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			from := newRig(t, b.url(t), streams.Options{Namespace: redistest.Namespace(t)})
			from.ready(3)
			ns := redistest.Namespace(t)
			l := open(t, b.url(t), streams.Options{Namespace: ns})
			err := l.Restore(t.Context(), []streams.Past{from.past("a", 4, nil), from.past("b", 2, nil), from.past("a", 3, nil)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Register(t.Context(), "later"); err != nil {
				t.Fatal(err)
			}
			got, err := l.DB().HGetAll(t.Context(), keys.Registry(ns)).Result()
			if want := map[string]string{"a": "4,3", "b": "2", "later": "5", "#next": "6"}; err != nil || !maps.Equal(got, want) {
				t.Errorf("registry: got %v, %v, want %v", got, err, want)
			}
			for q, want := range map[task.Queue]int64{"a": 6, "b": 3} {
				if got := openIn(t, l, q); got != want {
					t.Errorf("%s: got %d open, want %d", q, got, want)
				}
			}
		})
	}
}

// A queue that is registered while a restore writes keeps what it has, and nothing
// of the restore is registered.
func TestRestoreRace(t *testing.T) {
	t.Parallel()
	from := newRig(t, redistest.URL(t), streams.Options{Namespace: redistest.Namespace(t)})
	from.ready(3)
	d := newTarget(t)
	node := open(t, redistest.URL(t), streams.Options{Namespace: d.ns})
	enqueue := func() {
		if _, err := node.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}}); err != nil {
			t.Error(err)
		}
	}
	if err := d.log.Restore(t.Context(), []streams.Past{from.past(queue, 0, enqueue)}); !errors.Is(err, streams.ErrNotEmpty) {
		t.Errorf("got %v, want %v", err, streams.ErrNotEmpty)
	}
	got, err := d.db.HGetAll(t.Context(), keys.Registry(d.ns)).Result()
	if want := map[string]string{string(queue): "1", "#next": "2"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("registry: got %v, %v, want %v", got, err, want)
	}
	if s, err := node.Reader().Stats(t.Context(), queue); err != nil || s[0].Enqueued != 1 {
		t.Errorf("got %+v, %v, want one task", s, err)
	}
	streamstest.Check(t, node, queue)
}

// Of two restores at a time into one namespace one is refused.
func TestRestoreTwice(t *testing.T) {
	t.Parallel()
	from := newRig(t, redistest.URL(t), streams.Options{Namespace: redistest.Namespace(t)})
	from.ready(3)
	d := newTarget(t)
	second := func() {
		if err := d.log.Restore(t.Context(), []streams.Past{from.past("other", 0, nil)}); !errors.Is(err, streams.ErrHalfRestored) {
			t.Errorf("the second: got %v, want %v", err, streams.ErrHalfRestored)
		}
	}
	if err := d.log.Restore(t.Context(), []streams.Past{from.past(queue, 0, second)}); err != nil {
		t.Error(err)
	}
	if got := openIn(t, d.log, queue); got != 3 {
		t.Errorf("got %d open, want 3", got)
	}
}

// What is restored begins a new epoch, whose event names the cause. No id and no
// token is one of the life that it is a copy of.
func TestRestoreEpoch(t *testing.T) {
	t.Parallel()
	from := newRig(t, redistest.URL(t), streams.Options{Namespace: redistest.Namespace(t)})
	open := from.ready(3)
	past := from.past(queue, 0, nil)
	gone := from.ready(3) // after the moment
	old := from.fetch(from.join(), 1)[0]
	d := newTarget(t)
	from.must(d.log.Restore(t.Context(), []streams.Past{past}))
	to := rigOn(t, d.log)
	born := to.ready(3)

	to.cause("restore", 4, 0)
	if n := to.count(task.EpochStarted); n != 2 {
		t.Errorf("%d epochs, want that of the copy and the new one", n)
	}
	for i, id := range born {
		if id.Epoch() <= old.ID.Epoch() || id.LSN() <= gone[i].LSN() {
			t.Errorf("%s is of epoch %d, lsn %d: such as %s", id, id.Epoch(), id.LSN(), gone[i])
		}
	}
	token := d.db.HGet(t.Context(), to.k.Meta, "token").Val()
	if token == "" || token == old.Token {
		t.Errorf("token %q, it was %q", token, old.Token)
	}
	s := to.join()
	to.settle(s, task.OutcomeSuccess, task.Taken, old) // the copy of it is another's
	for _, d := range to.fetch(s, 3) {
		if d.Token != token {
			t.Errorf("%s was delivered with token %q, want %q", d.ID, d.Token, token)
		}
		to.settle(s, task.OutcomeSuccess, task.Recorded, d)
	}
	to.wantRun(to.drain(), open...)
}
