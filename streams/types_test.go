package streams_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// A key of another type is refused before anything is written: every call meets
// every key.
func TestWrongTypes(t *testing.T) {
	r := onReal(t)
	w := r.work()
	r.release(r.later(time.Millisecond))
	d := append(r.fetch(w.s, 2), w.delivery)
	due := r.later(time.Millisecond)
	r.until("due", func() bool { return r.stats().NowMs > due.Birth().Ms+1 })
	z, err := r.log.Waiting(r.ctx, queue, 0)
	r.must(err)
	defer z.Close()
	other := r.join()
	seen, err := other.Observe(r.ctx, false)
	r.must(err)
	enqueue := func(b task.Birth) error {
		b.Type, b.Queue = "x", queue
		_, err := r.log.Enqueue(r.ctx, []task.Birth{b})
		return err
	}
	calls := map[string]func() error{
		"enqueue": func() error { return enqueue(task.Birth{}) },
		"keyed":   func() error { return enqueue(task.Birth{Key: "k"}) },
		"later":   func() error { return enqueue(task.Birth{In: 1}) },
		"release": func() error { _, _, _, err := z.Release(r.ctx, []task.ID{due}); return err },
		"renew":   func() error { _, _, err := w.s.Renew(r.ctx, nil); return err },
		"charge":  func() error { c := d[0]; _, err := w.s.Charge(r.ctx, []*task.Delivery{&c}); return err },
		"join":    func() error { _, err := r.log.Join(r.ctx, queue, 0); return err },
		"reclaim": func() error { _, _, err := other.Reclaim(r.ctx, w.s.Name(), seen[w.s.Name()]); return err },
		"cancel":  func() error { _, err := r.log.Cancel(r.ctx, w.waiting, by); return err },
		"stop":    func() error { _, err := r.log.Cancel(r.ctx, d[0].ID, by); return err },
		"requeue": func() error { return r.log.Requeue(r.ctx, w.dead, by) },
		"purge":   func() error { _, err := r.log.Purge(r.ctx, []task.ID{w.dead}, by); return err },
		"pause":   func() error { return r.log.Pause(r.ctx, queue, by) },
		"trim":    func() error { _, err := r.log.Trim(r.ctx, queue, 0, "me", streams.Retention{Age: 1}); return err },
		"keep":    func() error { return r.log.SetRetention(r.ctx, queue, streams.Retention{Bytes: 1}, by) },
		"hold": func() error {
			_, err := r.log.Hold(r.ctx, "case", queue, streams.HoldFrom{LSN: 1}, by)
			return err
		},
		"stats":  func() error { _, err := r.log.Reader().Stats(r.ctx, queue); return err },
		"status": func() error { _, err := r.log.Reader().Status(r.ctx, w.waiting); return err },
		"fetch":  func() error { _, err := w.s.Fetch(r.ctx, 1, 0); return err },
		"sweep":  func() error { _, err := w.s.Sweep(r.ctx, func(task.Position) bool { return false }); return err },
	}
	for _, k := range []task.Kind{task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeDead, task.HandedBack, task.StaleOutcome} {
		calls["settle as "+k.String()] = func() error { _, err := w.s.Settle(r.ctx, outcomes(k, d[1:])); return err }
	}
	keys := []string{
		r.k.Tasks, r.k.Events, r.k.Waiting, r.k.Copies, r.k.Meta, r.k.Members, r.k.Cancels, r.k.Dead, r.k.Graves, r.k.Cursors,
		r.k.Wake, r.k.Chunk(1), r.k.Unique("x", "k"),
	}
	whole := r.dump(keys)
	for _, key := range keys {
		for name, call := range calls {
			r.must(r.db.Del(r.ctx, keys...).Err())
			r.load(whole)
			r.must(r.db.Del(r.ctx, key).Err())
			r.must(r.db.SAdd(r.ctx, key, "not ours").Err())
			before := r.dump(keys)
			err := call()
			if err == nil {
				continue // it does not need this key
			}
			if name == "reclaim" && key == r.k.Cancels {
				continue // the script does not need it, loading the page does: a sweep finds the page
			}
			short := key[strings.Index(key, "}"):]
			if !errors.Is(err, task.ErrUnsafe) {
				t.Errorf("%s, %s being a set: %v, want %v", name, short, err, task.ErrUnsafe)
			}
			after := r.dump(keys)
			if name == "fetch" { // from Redis 7.2 on the group notes when a read was tried
				delete(before, r.k.Tasks)
				delete(after, r.k.Tasks)
			}
			if !maps.Equal(before, after) {
				t.Errorf("%s, %s being a set, failed halfway: %v", name, short, err)
			}
		}
	}
}

// dump reads keys as they are stored.
func (r *rig) dump(keys []string) map[string]string {
	r.Helper()
	all := map[string]string{}
	for _, key := range keys {
		if v, err := r.db.Dump(r.ctx, key).Result(); err == nil {
			all[key] = v
		}
	}
	return all
}

// load puts back what dump has read.
func (r *rig) load(all map[string]string) {
	r.Helper()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		r.must(r.db.RestoreReplace(r.ctx, key, 0, all[key]).Err())
	}
}
