package consumergroup_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

var errDown = errors.New("redis is down")

// fake is one partition as Redis keeps it. Sessions change it under its lock, a
// call at a time, as scripts do.
type fake struct {
	t     *testing.T
	twice atomic.Bool // two settles of a session were in flight

	mu      sync.Mutex // guards what follows
	ready   []task.Delivery
	held    map[task.Position]*holding
	records map[string]string // of the consumers: a heartbeat, or dead
	marks   map[task.ID]bool
	paused  bool
	token   string
	lsn     int64
	names   int
	log     []outcome
	more    chan struct{} // closed and replaced when something becomes ready
}

// holding is a pending entry.
type holding struct {
	d  task.Delivery // its Count is what Redis counts
	by string
}

// outcome is what a settle recorded.
type outcome struct {
	task.Settlement
	by string
	at time.Time
}

func newFake(t *testing.T) *fake {
	return &fake{
		t: t, held: map[task.Position]*holding{}, records: map[string]string{},
		marks: map[task.ID]bool{}, token: "t1", more: make(chan struct{}),
	}
}

// add makes n tasks ready, each as change says.
func (f *fake) add(n int, change ...func(d *task.Delivery)) []task.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]task.ID, n)
	for i := range ids {
		f.lsn++
		at := task.Position{Ms: 1, LSN: f.lsn}
		d := task.Delivery{ID: task.NewID(0, 1, at), Type: "work", Queue: "q", Attempt: 1, Entry: at, Count: 1}
		for _, c := range change {
			c(&d)
		}
		ids[i] = d.ID
		f.ready = append(f.ready, d)
	}
	f.announceLocked()
	return ids
}

func (f *fake) announceLocked() {
	close(f.more)
	f.more = make(chan struct{})
}

// give makes tasks that a consumer holds, which has the record.
func (f *fake) give(n int, consumer, record string, change ...func(d *task.Delivery)) []task.ID {
	ids := f.add(n, change...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if record != "" {
		f.records[consumer] = record
	}
	for range n {
		last := len(f.ready) - 1
		f.held[f.ready[last].Entry] = &holding{d: f.ready[last], by: consumer}
		f.ready = f.ready[:last]
	}
	return ids
}

// fence does to a consumer what a reclaimer does: its entries are another's.
func (f *fake) fence(consumer, taker string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records[consumer] = "dead"
	for _, h := range f.held {
		if h.by == consumer {
			h.by, h.d.Count = taker, max(h.d.Count, 2)
		}
	}
}

// set changes something under the lock.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// outcomes returns what was recorded of one kind; Unknown: of all.
func (f *fake) outcomes(k task.Kind) []outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []outcome
	for _, o := range f.log {
		if o.Kind == k || k == task.Unknown {
			found = append(found, o)
		}
	}
	return found
}

// holds is how many entries a consumer holds; "" counts all.
func (f *fake) holds(consumer string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.held {
		if consumer == "" || h.by == consumer {
			n++
		}
	}
	return n
}

// node is one process, and what its calls meet on their way.
type node struct {
	parts []*fake

	mu     sync.Mutex // guards what follows
	before func(ctx context.Context, op string) error
	after  func(ctx context.Context, op string) error
	mid    func() // in a sweep, between listing and asking what is known
	calls  []called
}

// called is one call that reached Redis.
type called struct {
	op   string
	at   time.Time
	n    int
	from string
}

func newNode(parts ...*fake) *node { return &node{parts: parts} }

// interfere replaces what calls meet: before takes a call away, after its answer.
func (n *node) interfere(before, after func(ctx context.Context, op string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before, n.after = before, after
}

// cut disconnects the node for good, or until interfere(nil, nil): no call
// returns before its context ends.
func (n *node) cut() { n.interfere(hang, nil) }

func hang(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// hangShort hangs, but heeds the read timeout of a client.
func hangShort(ctx context.Context, op string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return hang(ctx, op)
}

func refuse(context.Context, string) error { return errDown }

// times lists when calls of one kind reached Redis.
func (n *node) times(op string) []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	var at []time.Time
	for _, c := range n.calls {
		if c.op == op {
			at = append(at, c.at)
		}
	}
	return at
}

// call makes one call of a session, and returns how many things it was about.
func (n *node) call(ctx context.Context, s *session, op string, do func() (int, error)) error {
	n.mu.Lock()
	before, after := n.before, n.after
	n.mu.Unlock()
	if before != nil {
		if err := before(ctx, op); err != nil {
			return err
		}
	}
	s.f.mu.Lock()
	count, err := do()
	s.f.mu.Unlock()
	n.mu.Lock()
	n.calls = append(n.calls, called{op, time.Now(), count, s.name})
	n.mu.Unlock()
	if after != nil && err == nil {
		err = after(ctx, op)
	}
	return err
}

func (n *node) join(ctx context.Context, partition int) (consumergroup.Session, error) {
	s := &session{f: n.parts[partition], node: n, interrupted: make(chan struct{})}
	err := n.call(ctx, s, "join", func() (int, error) {
		s.f.names++
		s.name = fmt.Sprintf("c%d", s.f.names)
		s.f.records[s.name] = "0"
		return 1, nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
