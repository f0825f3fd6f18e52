package streams

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Limits of one call of a script.
const (
	maxItems = 256
	maxBytes = 512 << 10
)

// flushTimeout bounds one batch, repeats included.
const flushTimeout = 5 * time.Second

// laneKind says which births share a batch. Those that run now and those that wait
// do not, so that the births of a batch stand in one stream; nor do those that are
// to be replicated and the others, so that neither wait for the other.
type laneKind struct{ later, replicated bool }

func kindOf(b *task.Birth) laneKind {
	return laneKind{later: b.Delayed(), replicated: b.Durability == task.Replicated}
}

// lane commits one batch after the other: the first caller flushes for all who came
// meanwhile, and hands the lead to one of them when its own are in. It has no
// goroutine, but for a batch with births of others, which its leader may have to
// leave.
//
//  1. One batch is in flight; its bytes and number are fixed until it is
//     answered, so asking again after a lost reply writes nothing twice.
//  2. A batch never moves to another partition while unanswered.
//  3. One caller's cancelled context fails nobody else: a batch with births of
//     others runs on under a context of its own. A caller that leaves while its
//     births are in flight is told ErrUncertain; births not yet sent are withdrawn.
//
// A pause of the process keeps the batch; the session in Redis lasts a day, and
// its number refuses a late copy of an older batch. When Redis forgets its last
// second it forgets session and births together.
type lane struct {
	part *partition
	kind laneKind
	name string // the session's

	mu     sync.Mutex // guards what follows
	queue  []*job     // jobs with births not yet sent
	busy   bool       // somebody leads
	flying bool       // a batch is in flight
	seq    int64
	last   int64 // the highest lsn a birth got here; of the leader alone
}

// job is one caller's births.
type job struct {
	births []encoded
	tasks  []Enqueued
	sent   int           // births taken into batches
	done   int           // births answered
	err    error         // ends the job
	wake   chan struct{} // receives once when this caller shall lead; closed when done or failed
	left   bool          // it led, and left while others' births were in flight
}

// Enqueued is the answer to one birth.
type Enqueued struct {
	ID       task.ID
	Existing bool // an older task has the same idempotency key
}

func newLane(p *partition, k laneKind) *lane { return &lane{part: p, kind: k, name: newName()} }

// add puts births in and returns how many are known to be in, with their ids.
func (l *lane) add(ctx context.Context, births []encoded) ([]Enqueued, error) {
	j := &job{births: births, tasks: make([]Enqueued, len(births)), wake: make(chan struct{}, 1)}
	l.mu.Lock()
	l.queue = append(l.queue, j)
	leads := !l.busy
	l.busy = true
	l.mu.Unlock()
	if !leads {
		select {
		case _, leads = <-j.wake:
		case <-ctx.Done():
		}
	}
	if leads {
		l.run(ctx, j)
	}
	return l.withdraw(ctx, j)
}

// run leads: it flushes until the own job has ended or ctx has, then passes on.
func (l *lane) run(ctx context.Context, own *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := 0; n < len(l.queue); { // who is ready to run may have births for the first batch
		n = len(l.queue)
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
	for !own.over() && ctx.Err() == nil {
		batch := l.take()
		l.flying = true
		l.seq++
		seq := l.seq
		l.mu.Unlock()
		if len(batch) == 1 && batch[0].job == own { // it fails nobody else
			answers, err := l.flush(ctx, seq, batch)
			l.mu.Lock()
			l.answer(batch, answers, err)
			continue
		}
		ended := make(chan struct{})
		go func() { // ended by flushTimeout; joined below, or by whom it passes the lead to
			answers, err := l.flush(context.WithoutCancel(ctx), seq, batch)
			l.mu.Lock()
			defer l.mu.Unlock()
			defer close(ended)
			if l.answer(batch, answers, err); own.left {
				l.pass(own)
			}
		}()
		select {
		case <-ended:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			if !isClosed(ended) {
				own.left = true
				return
			}
		}
	}
	l.pass(own)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pass hands the lead to the next job that waits, if any.
func (l *lane) pass(own *job) {
	for _, j := range l.queue {
		if j != own {
			j.wake <- struct{}{}
			return
		}
	}
	l.busy = false
}

func (j *job) over() bool { return j.err != nil || j.done == len(j.births) }

// share is the part of a job that is in a batch.
type share struct {
	job      *job
	from, to int
}

// take fills a batch from the front of the queue.
func (l *lane) take() []share {
	var batch []share
	items, size := 0, 0
	for len(l.queue) > 0 && items < maxItems {
		j := l.queue[0]
		s := share{job: j, from: j.sent, to: j.sent}
		for s.to < len(j.births) && items < maxItems {
			n := j.births[s.to].size()
			if items > 0 && size+n > maxBytes {
				items = maxItems
				break
			}
			size += n
			items++
			s.to++
		}
		j.sent = s.to
		if s.to > s.from {
			batch = append(batch, s)
		}
		if j.sent == len(j.births) {
			l.queue = l.queue[1:]
		}
	}
	return batch
}

// answer spreads the answers of a batch over its jobs. Answers that come with an
// error are of births that are stored: their jobs get both.
func (l *lane) answer(batch []share, answers []Enqueued, err error) {
	l.flying = false
	for _, s := range batch {
		j, n := s.job, s.to-s.from
		switch {
		case j.err != nil: // it left
		case answers == nil:
			l.fail(j, err)
		default:
			copy(j.tasks[s.from:s.to], answers)
			if j.done = s.to; err != nil {
				l.fail(j, err)
			} else if j.done == len(j.births) {
				close(j.wake)
			}
		}
		if answers != nil {
			answers = answers[n:]
		}
	}
}

// fail ends a job: what it has not sent is withdrawn.
func (l *lane) fail(j *job, err error) {
	j.err = err
	close(j.wake)
	for i, q := range l.queue {
		if q == j {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			return
		}
	}
}

// withdraw ends the job of a caller that leaves, if it has not ended.
func (l *lane) withdraw(ctx context.Context, j *job) ([]Enqueued, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !j.over() {
		err := context.Cause(ctx)
		if j.sent > j.done {
			err = fmt.Errorf("%w: %w", task.ErrUncertain, err)
		}
		l.fail(j, err)
	}
	select {
	case _, lead := <-j.wake:
		if lead { // it came while the caller was leaving
			l.pass(j)
		}
	default:
	}
	return j.tasks[:j.done], j.err
}
