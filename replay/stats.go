package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Stats are numbers of a stretch of history. They are nothing but a function of
// it: drop them, and the same history gives them again.
type Stats struct {
	Rows   []StatsRow       `json:"rows"`   // by time, then type
	Total  []StatsRow       `json:"total"`  // by type
	Errors []ErrorGroup     `json:"errors"` // the most frequent first
	AsOf   map[string]int64 `json:"as_of"`  // the lsn each partition was read to
}

// StatsRow is one type in one stretch of time.
type StatsRow struct {
	Start     time.Time  `json:"start,omitzero"`
	Type      task.Type  `json:"type"` // empty where the birth was trimmed
	Enqueued  int64      `json:"enqueued"`
	Succeeded int64      `json:"succeeded"`
	Retried   int64      `json:"retried"`
	Snoozed   int64      `json:"snoozed"`
	Dead      int64      `json:"dead"`
	Cancelled int64      `json:"cancelled"`
	Expired   int64      `json:"expired"`
	Wait      *Histogram `json:"wait"` // of attempts that ended: from the birth or release to the start
	Run       *Histogram `json:"run"`  // of attempts that ended
}

// maxRows bounds Stats.
const maxRows = 100_000

// Statistics counts what a filter asks for, by type and in rows of a length of
// time; 0: one row a type. Errors: [ErrTooFine] for more than 100,000 rows, and
// those of [Select].
func Statistics(ctx context.Context, src Source, f Filter, every time.Duration) (*Stats, error) {
	if every < 0 || every%time.Millisecond != 0 {
		return nil, fmt.Errorf("statistics: %w: every %s: want whole milliseconds", task.ErrInvalidOption, every)
	}
	p := projection{every: every.Milliseconds(), rows: map[rowKey]*StatsRow{}, total: map[rowKey]*StatsRow{}, errors: groups{}}
	read := Cursor{}
	feeds, err := f.feeds(ctx, src, read, true)
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	for _, feed := range feeds {
		for e, err := range feed.read(ctx) {
			if err == nil {
				err = p.add(&e.known)
			}
			if err != nil {
				return nil, fmt.Errorf("statistics: %w", err)
			}
			read.pass(feed.label, &e.raw)
		}
	}
	s := &Stats{Rows: sorted(p.rows), Total: sorted(p.total), Errors: p.errors.sorted(), AsOf: map[string]int64{}}
	for name, mark := range read {
		s.AsOf[name] = mark.At.LSN
	}
	return s, nil
}

// rowKey is what a row is about.
type rowKey struct {
	start int64 // ms
	typ   task.Type
}

// projection adds up events.
type projection struct {
	every       int64 // ms; 0: all in one
	rows, total map[rowKey]*StatsRow
	errors      groups
}

func (p *projection) add(e *task.Event) error {
	if e.Task.IsZero() || !counted(e.Kind) {
		return nil
	}
	key := rowKey{typ: e.Type}
	rowOf(p.total, key).add(e)
	if p.every > 0 {
		key.start = e.At.Ms - e.At.Ms%p.every
	}
	if rowOf(p.rows, key).add(e); len(p.rows) > maxRows {
		return fmt.Errorf("%w: more than %d rows: ask for longer ones", ErrTooFine, maxRows)
	}
	if e.Error != "" && (e.Kind == task.OutcomeRetry || e.Kind == task.OutcomeDead) {
		p.errors.add(e)
	}
	return nil
}

// counted reports whether a row has a number of such events.
func counted(k task.Kind) bool {
	return k == task.Born || k == task.Scheduled || k.IsOutcome()
}

func rowOf(rows map[rowKey]*StatsRow, key rowKey) *StatsRow {
	r := rows[key]
	if r == nil {
		r = &StatsRow{Type: key.typ, Wait: &Histogram{}, Run: &Histogram{}}
		if key.start != 0 {
			r.Start = time.UnixMilli(key.start).UTC()
		}
		rows[key] = r
	}
	return r
}

func (r *StatsRow) add(e *task.Event) {
	switch e.Kind {
	case task.Born, task.Scheduled:
		r.Enqueued++
	case task.OutcomeSuccess:
		r.Succeeded++
	case task.OutcomeRetry:
		r.Retried++
	case task.OutcomeSnooze:
		r.Snoozed++
	case task.OutcomeDead:
		r.Dead++
	case task.OutcomeCancel:
		r.Cancelled++
	case task.OutcomeExpire:
		r.Expired++
	default:
		panic("replay: no column for kind " + e.Kind.String())
	}
	if e.Ran <= 0 { // it did not run
		return
	}
	r.Run.Add(e.Ran)
	if !e.Prev.IsZero() {
		r.Wait.Add(time.Duration(e.At.Ms-e.Prev.Ms)*time.Millisecond - e.Ran)
	}
}

func sorted(rows map[rowKey]*StatsRow) []StatsRow {
	all := make([]StatsRow, 0, len(rows))
	for _, r := range rows {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b StatsRow) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Type, b.Type)) })
	return all
}
