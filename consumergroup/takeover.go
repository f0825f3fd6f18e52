package consumergroup

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/tidemill/tidemill/task"
)

// takeover moves what a silent consumer held here, page by page, as long as there is
// room for it; other nodes take their share meanwhile. While one page is charged and
// started the next is on its way.
//
// What nobody had room for is taken all the same a little later, overdue, but not
// hoarded: the next page when the last has started.
type takeover struct {
	in             *incarnation
	victim, record string
	overdue        bool

	// guarded by in.adopting
	total    int
	coming   int  // deliveries that came and are not in the pool yet
	ended    bool // there is no more to ask for
	finished bool // because nothing is left
}

// takeOver reports whether nothing is left to take.
func (in *incarnation) takeOver(ctx context.Context, victim, record string, overdue bool) (finished bool) {
	t := &takeover{in: in, victim: victim, record: record, overdue: overdue}
	var pages sync.WaitGroup
	for range 2 {
		pages.Go(func() {
			for t.page(ctx) {
			}
		})
	}
	pages.Wait()
	if f := in.m.group.opts.Observer.Reclaimed; f != nil && t.total > 0 {
		f(in.m.group.opts.Queue, victim, t.total)
	}
	return t.finished
}

// page takes one over, starts what it brought, and reports whether to go on.
func (t *takeover) page(ctx context.Context) bool {
	in := t.in
	ws, b, ok, err := t.take(ctx)
	if !ok {
		return false
	}
	if err = cmp.Or(err, in.admit(ctx, ws, &b)); err != nil && !in.isLost(err) && ctx.Err() == nil {
		in.m.group.failed("reclaim", err)
	}
	in.adopting.Lock()
	defer in.adopting.Unlock()
	t.coming -= len(ws)
	t.ended = t.ended || err != nil
	return !t.ended
}

// take asks for a page if there is room for one.
func (t *takeover) take(ctx context.Context) (ws []*work, b task.Batch, ok bool, err error) {
	in := t.in
	in.adopting.Lock()
	defer in.adopting.Unlock()
	room := in.m.group.pool.free() > t.coming || t.overdue && !slices.ContainsFunc(in.taken, (*work).waits)
	if t.ended || !room {
		return nil, b, false, nil
	}
	b, more, err := in.session.Reclaim(ctx, t.victim, t.record)
	ws = in.hold(b.Deliveries)
	in.taken = slices.Clone(ws) // admit reorders
	t.total, t.coming = t.total+len(ws), t.coming+len(ws)
	t.ended, t.finished = err != nil || !more, err == nil && !more
	if err != nil {
		in.swept.Store(false) // a page may have moved unseen
	}
	return ws, b, true, err
}
