package streams_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

// TestCancelOfNobody: an id that differs in its time alone, as of another namespace, is
// of no task, and nothing happens to the one that has its lsn.
func TestCancelOfNobody(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		done := r.held(s, 1)
		r.settle(s, task.OutcomeSuccess, task.Recorded, done...)
		retried := r.held(s, 1)
		r.settle(s, task.OutcomeRetry, task.Recorded, retried...)
		released := r.later(time.Millisecond)
		r.release(released)
		r.until("the retry is due", func() bool { r.release(retried[0].ID); return r.state(retried[0].ID, task.Ready).State == task.Ready })
		marked := r.held(s, 1)
		_, err := r.log.Cancel(r.ctx, marked[0].ID, by)
		r.must(err)
		for _, id := range []task.ID{done[0].ID, marked[0].ID, retried[0].ID, released, r.ready(1)[0], r.later(time.Hour)} {
			before := r.stats()
			birth := id.Birth()
			birth.Ms--
			nobody := task.NewID(id.Partition(), id.Epoch(), birth)
			if _, err := r.log.Cancel(r.ctx, nobody, by); !errors.Is(err, task.ErrNotFound) {
				t.Errorf("cancel of %s, beside %s: %v", nobody, id, err)
			}
			if after := r.stats(); after.LSN != before.LSN {
				t.Errorf("cancel of %s wrote to the log", nobody)
			}
		}
	})
}
