package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/task"
)

// Enqueue appends the births of tasks and returns one answer each, in order.
// When some are in and some are not, it returns the answers of those known to
// be in, which are always the first ones, and an error.
//
// Errors: [task.ErrBackpressure] (nothing of that batch was written),
// [task.ErrUncertain] (it may be in; a Key makes repeating safe),
// [task.ErrInvalidName], [task.ErrUnavailable]. [task.ErrNotReplicated]: births that
// were to be replicated are stored and in the answer, the last of them not confirmed
// by a replica. [task.ErrInvalidOption]: replication is asked of mem://.
//
// Births of one call that go to the same place share a call of the script; so
// do those of other goroutines that arrive while a call is in flight.
func (l *Log) Enqueue(ctx context.Context, births []task.Birth) ([]Enqueued, error) {
	if l.closed.Load() {
		return nil, task.ErrClosed
	}
	if l.target.memory && slices.ContainsFunc(births, func(b task.Birth) bool { return b.Durability == task.Replicated }) {
		return nil, fmt.Errorf("enqueue: %w: Durability: mem:// has no replica", task.ErrInvalidOption)
	}
	out := make([]Enqueued, 0, len(births))
	for len(births) > 0 {
		lane, batch, err := l.route(ctx, births)
		if err != nil {
			return out, err
		}
		got, err := lane.add(ctx, batch)
		out = append(out, got...)
		if err != nil {
			return out, fmt.Errorf("enqueue %s: %w", births[0].Type, unwrapCall(err))
		}
		births = births[len(batch):]
	}
	return out, nil
}

// route takes the longest run of births that go to one lane. A run is cut so
// that a large call is spread over the partitions batch by batch.
func (l *Log) route(ctx context.Context, births []task.Birth) (*lane, []encoded, error) {
	first := &births[0]
	if err := task.ValidName("type", string(first.Type)); err != nil {
		return nil, nil, err
	}
	ps, err := l.partitions(ctx, first.Queue, true)
	if err != nil {
		return nil, nil, err
	}
	p := l.pick(ps, first.Key)
	limit := len(births)
	if len(ps) > 1 {
		limit = min(limit, maxItems)
	}
	batch := make([]encoded, 0, limit)
	for i := range births[:limit] {
		b := &births[i]
		if b.Queue != first.Queue || kindOf(b) != kindOf(first) || task.ValidName("type", string(b.Type)) != nil {
			break
		}
		if i > 0 && len(ps) > 1 && (b.Key != "" || first.Key != "") && l.pick(ps, b.Key) != p {
			break
		}
		batch = append(batch, encode(p, b))
	}
	return p.roads[kindOf(first)].pick(), batch, nil
}

// unwrapCall leaves out the script's name, which a caller has no use for.
func unwrapCall(err error) error {
	var bp *task.Backpressure
	if errors.As(err, &bp) {
		return bp
	}
	return err
}
