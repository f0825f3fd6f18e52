package streams

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// SetRetention says how much history a queue keeps, whatever its nodes say: their
// next trim goes by it. What is zero is as the nodes say, so the zero Retention takes
// all back. It replaces what was set before, partition by partition: stopped in
// between, it is repeated. Partitions that are added later have none.
func (l *Log) SetRetention(ctx context.Context, q task.Queue, keep Retention, by By) error {
	if err := by.validate(); err != nil {
		return err
	}
	if keep.Age < 0 || keep.Bytes < 0 || keep.Dead < 0 || keep.Age%time.Millisecond != 0 || keep.Dead%time.Millisecond != 0 {
		return fmt.Errorf("%w: Retention: age %s, %d bytes, dead %s: want none below zero, and whole milliseconds", task.ErrInvalidOption, keep.Age, keep.Bytes, keep.Dead)
	}
	ps, err := l.partitions(ctx, q, false)
	if err != nil {
		return err
	}
	for _, p := range ps {
		args := []any{number(keep.Age.Milliseconds()), number(keep.Bytes), number(keep.Dead.Milliseconds()), by.Actor, by.Reason}
		if _, err := p.call(ctx, retainScript, []string{p.Meta, p.Events}, args...); err != nil {
			return err
		}
	}
	return nil
}

// Retention tells what [Log.SetRetention] set, of each partition of a queue.
func (r *Reader) Retention(ctx context.Context, q task.Queue) ([]Retention, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	all := make([]Retention, len(ps))
	for i, p := range ps {
		if all[i], _, err = p.settings(ctx); err != nil {
			return nil, fmt.Errorf("retention of %s: %w", q, err)
		}
	}
	return all, nil
}

// settings are what is set for this partition, and whether it is marked full.
func (p *partition) settings(ctx context.Context) (set Retention, full bool, err error) {
	v, err := p.log.db.HMGet(ctx, p.Meta, "keep_age", "keep_bytes", "keep_dead", "full").Result()
	if err != nil {
		return Retention{}, false, mapError(err)
	}
	r := reply(v)
	set.Age, set.Dead = time.Duration(r.number(0))*time.Millisecond, time.Duration(r.number(2))*time.Millisecond
	set.Bytes = r.number(1)
	return set, v[3] != nil, nil
}

// or fills what is not set.
func (r Retention) or(o Retention) Retention {
	return Retention{Age: cmp.Or(r.Age, o.Age), Bytes: cmp.Or(r.Bytes, o.Bytes), Dead: cmp.Or(r.Dead, o.Dead)}
}

// number is an argument that may be left out.
func number(n int64) any {
	if n == 0 {
		return ""
	}
	return n
}
