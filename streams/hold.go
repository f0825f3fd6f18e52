package streams

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// holdPrefix makes a name that of a cursor.
const holdPrefix = "hold:"

// Hold keeps a range of one partition's history, from an entry to the end, whatever
// retention says, until it is released. It refuses no task: a log that it lets grow
// grows until memory is full.
type Hold struct {
	Name      string        `json:"name"`
	Queue     task.Queue    `json:"queue"`
	Partition int           `json:"partition"` // from 0, within the queue
	From      task.Position `json:"from"`
	// Begins: the log begins there; what was before is trimmed.
	Begins bool `json:"begins,omitempty"`
}

// HoldFrom is the moment a hold is to begin: a time, or else an lsn, which is of one
// partition.
type HoldFrom struct {
	Time time.Time
	LSN  int64
}

// Hold registers a hold in every partition of a queue and tells where it really
// begins. A trim at the same time is before it or after it: what is in the answer is
// held. Asked again for the same or a later moment it changes nothing, for an earlier
// one it holds more. Partitions that are added later are not held.
//
// Errors: [task.ErrInvalidName], [task.ErrInvalidOption] (an lsn, and several
// partitions), [task.ErrNotFound].
func (l *Log) Hold(ctx context.Context, name string, q task.Queue, from HoldFrom, by By) ([]Hold, error) {
	if err := cmp.Or(by.validate(), task.ValidName("hold", name)); err != nil {
		return nil, err
	}
	if from.Time.IsZero() == (from.LSN == 0) || from.LSN < 0 || !from.Time.IsZero() && from.Time.UnixMilli() < 0 {
		return nil, fmt.Errorf("%w: HoldFrom: want a time or an lsn", task.ErrInvalidOption)
	}
	ps, err := l.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	if from.LSN != 0 && len(ps) > 1 {
		return nil, fmt.Errorf("%w: HoldFrom: an lsn is of one partition and %s has %d: want a time", task.ErrInvalidOption, q, len(ps))
	}
	ms := any("")
	if !from.Time.IsZero() {
		ms = from.Time.UnixMilli()
	}
	all := make([]Hold, 0, len(ps))
	for i, p := range ps {
		r, err := p.spare(ctx, holdPrefix+name, ms, number(from.LSN), by)
		if err != nil {
			return all, err
		}
		h, err := newHold(name, q, i, r.text(1), r.number(2))
		if err != nil {
			return all, err
		}
		all = append(all, h)
	}
	return all, nil
}

// EndHold releases a hold in every partition of a queue: the next trim goes by
// retention again. Errors: [task.ErrNotFound] when no hold has that name, or none
// any more.
func (l *Log) EndHold(ctx context.Context, name string, q task.Queue, by By) error {
	if err := cmp.Or(by.validate(), task.ValidName("hold", name)); err != nil {
		return err
	}
	ended, err := l.release(ctx, holdPrefix+name, q, by)
	if err == nil && !ended {
		err = fmt.Errorf("hold %s of %s: %w", name, q, task.ErrNotFound)
	}
	return err
}

// ForgetArchive lets trim remove what no archive has, until an archiver comes again.
// It reports whether anything was spared for one; a call whose reply was lost is asked
// again, and finds nothing any more.
func (l *Log) ForgetArchive(ctx context.Context, q task.Queue, by By) (bool, error) {
	if err := by.validate(); err != nil {
		return false, err
	}
	return l.release(ctx, archiveCursor, q, by)
}

// release takes a cursor away in every partition of a queue, and reports whether it
// was in one.
func (l *Log) release(ctx context.Context, cursor string, q task.Queue, by By) (bool, error) {
	ps, err := l.partitions(ctx, q, false)
	ended := false
	for _, p := range ps {
		r, err := p.spare(ctx, cursor, "", "", by)
		if err != nil {
			return ended, err
		}
		ended = ended || r.word() == "OK"
	}
	return ended, err
}

func (p *partition) spare(ctx context.Context, cursor string, ms, lsn any, by By) (reply, error) {
	return p.call(ctx, spareScript, []string{p.Meta, p.Tasks, p.Events, p.Cursors}, cursor, ms, lsn, by.Actor, by.Reason)
}

// Holds lists the holds of a queue, by name and partition.
func (r *Reader) Holds(ctx context.Context, q task.Queue) ([]Hold, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	var all []Hold
	for i, p := range ps {
		cursors, err := p.log.db.HGetAll(ctx, p.Cursors).Result()
		if err != nil {
			return nil, fmt.Errorf("holds of %s: %w", q, mapError(err))
		}
		floor, err := p.log.db.HMGet(ctx, p.Meta, "floor").Result()
		if err != nil {
			return nil, fmt.Errorf("holds of %s: %w", q, mapError(err))
		}
		for cursor, at := range cursors {
			name, ok := HoldName(cursor)
			if !ok {
				continue
			}
			h, err := newHold(name, q, i, at, reply(floor).number(0))
			if err != nil {
				return nil, err
			}
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b Hold) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.Partition-b.Partition) })
	return all, nil
}

// HoldName is the name of the hold whose cursor this is, if it is one's.
func HoldName(cursor string) (string, bool) { return strings.CutPrefix(cursor, holdPrefix) }

// newHold reads where a hold begins. Entries that are left below the floor are spared
// too, and nobody reads them.
func newHold(name string, q task.Queue, n int, at string, floor int64) (Hold, error) {
	from, err := task.ParsePosition(at)
	if err != nil {
		return Hold{}, fmt.Errorf("hold %s of %s: %w", name, q, err)
	}
	h := Hold{Name: name, Queue: q, Partition: n, From: from, Begins: floor > 1 && from.LSN <= floor}
	h.From.LSN = max(from.LSN, floor)
	return h, nil
}
