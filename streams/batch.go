package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// flush sends one batch and reads the ids. They come with ErrNotReplicated where
// the births are stored and no replica confirmed them.
func (l *lane) flush(ctx context.Context, seq int64, batch []share) ([]Enqueued, error) {
	p := l.part
	ks := []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Wake, p.Producer(l.name)}
	ks, args, n := l.arguments(ks, seq, batch)
	r, err := l.ask(ctx, ks, args)
	if errors.Is(err, errOldSeq) {
		err = fmt.Errorf("%w: %w", task.ErrUncertain, err)
	}
	if r == nil {
		return nil, err
	}
	ids, unread := l.ids(r.text(1), n)
	return ids, cmp.Or(unread, err)
}

// ask makes a first try without a timer, which costs as much as the rest of the call
// in this process; connections have timeouts of their own. Where it fails, the same
// is asked again for what is left of flushTimeout.
func (l *lane) ask(ctx context.Context, ks []string, args []any) (reply, error) {
	p, began := l.part, time.Now()
	var first error
	ask := p.callReplicated
	if !l.kind.replicated {
		var r reply
		if r, first = p.once(ctx, p.log.db, enqueueScript, ks, args); first == nil {
			return r, nil
		}
		ask = p.call
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout-time.Since(began))
	defer cancel()
	r, err := ask(ctx, enqueueScript, ks, args...)
	if err != nil && r == nil && transient(first) && !errors.Is(first, errEpoch) && !errors.Is(err, task.ErrUncertain) {
		err = fmt.Errorf("%w: %w", task.ErrUncertain, err)
	}
	return r, err
}

// arguments writes a batch as the script takes it: as runs of births that differ in
// their payloads alone; with more for each birth only where one has an idempotency key.
func (l *lane) arguments(ks []string, seq int64, batch []share) ([]string, []any, int) {
	n, stride := 0, 1
	for b := range births(batch) {
		n++
		if b.key != "" {
			stride = 3
		}
	}
	args := make([]any, 2, 2+5+n*stride)
	args[0], args[1] = seq, stride
	var run *encoded // its first birth
	at, length := 0, 0
	for b := range births(batch) {
		if run == nil || !b.like(run) {
			args = append(args, b.typ, b.headers, b.opts, b.due, 0)
			run, at, length = b, len(args)-1, 0
		}
		length++
		args[at] = length
		args = append(args, b.payload)
		if stride == 1 {
			continue
		}
		unique := 0
		if b.key != "" {
			ks = append(ks, b.key)
			unique = len(ks)
		}
		args = append(args, unique, b.ttl)
	}
	return ks, args, n
}

// births of a batch, in order.
func births(batch []share) iter.Seq[*encoded] {
	return func(yield func(*encoded) bool) {
		for _, s := range batch {
			for i := s.from; i < s.to; i++ {
				if !yield(&s.job.births[i]) {
					return
				}
			}
		}
	}
}

// like reports whether births differ in their payloads alone.
func (b *encoded) like(o *encoded) bool {
	return b.typ == o.typ && b.headers == o.headers && b.opts == o.opts && b.due == o.due
}

// ids reads "seq epoch ms first n index=id…": births got consecutive lsns, in
// order, but for those whose key was known.
func (l *lane) ids(answer string, n int) ([]Enqueued, error) {
	words := strings.Fields(answer)
	if len(words) < 5 {
		return nil, fmt.Errorf("enqueue %s: unexpected reply", l.part.Queue)
	}
	epoch, ms, first, count := parseInt(words[1]), parseInt(words[2]), parseInt(words[3]), parseInt(words[4])
	if count > 0 && first <= l.last { // somebody who knew nothing of it began the log anew, after a flush
		l.part.rewound(first-1, l.last)
	}
	l.last = max(l.last, first+count-1)
	l.part.saw(clock{epoch: epoch, ms: ms, lsn: l.last})
	out := make([]Enqueued, n)
	for _, hit := range words[5:] {
		at, id, _ := strings.Cut(hit, "=")
		i, err := strconv.Atoi(at)
		if err != nil || i < 0 || i >= n {
			return nil, fmt.Errorf("enqueue %s: unexpected reply", l.part.Queue)
		}
		if out[i].ID, err = task.ParseID(id); err != nil {
			return nil, err
		}
		out[i].Existing = true
	}
	lsn := first
	for i := range out {
		if !out[i].Existing {
			out[i].ID = task.NewID(l.part.Number, uint16(epoch), task.Position{Ms: ms, LSN: lsn})
			lsn++
		}
	}
	return out, nil
}
