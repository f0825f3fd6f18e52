package streams

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// restoredLife is what the token of a restored partition begins with: no server
// has it, so the first call opens an epoch, whose cause it is.
const restoredLife = "restored0000"

// sets writes what the log implies and the streams do not hold: what waits, what is
// dead, what is to be cancelled.
func (r *restoring) sets(ctx context.Context, pipe redis.Pipeliner) {
	for id, l := range r.fold.Tasks {
		body, last := r.bodies[id], r.last[id]
		switch l.State {
		case task.Waiting:
			pipe.ZAdd(ctx, r.p.Waiting, redis.Z{Score: float64(l.DueMs), Member: id.String()})
			if last.Kind != task.Scheduled {
				pipe.HSet(ctx, r.p.Copies, id.String(), restoredCopy(&last, body))
			}
		case task.Dead:
			pipe.ZAdd(ctx, r.p.Dead, redis.Z{Score: float64(last.At.Ms), Member: id.String()})
			if body != nil && !r.erased[id] {
				pipe.HSet(ctx, r.p.Graves, id.String(), restoredGrave(&last, body))
			}
		case task.Ready:
			if at := r.asked[id]; l.Marked && at > 0 {
				pipe.ZAdd(ctx, r.p.Cancels, redis.Z{Score: float64(at), Member: strconv.FormatInt(id.LSN(), 10)})
			}
		}
	}
}

// withdraw cancels, at the end of the log, what was open and has no payload any more.
func (r *restoring) withdraw(ctx context.Context, pipe redis.Pipeliner) {
	var ids []task.ID
	for id, l := range r.fold.Tasks {
		if !l.State.Terminal() && r.erased[id] {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b task.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		e := task.Entry{At: task.Position{Ms: r.fold.Last.Ms, LSN: r.fold.LastLSN + 1}}
		values := map[string]string{
			"v": wire.Version, "kind": wire.Outcome, "ref": id.String(), "n": "1", "outcome": task.OutcomeCancel.String(),
			"actor": "restore", "reason": "its payload was redacted", "prev": r.last[id].At.String(),
		}
		for _, name := range wire.EventFields {
			e.Fields = append(e.Fields, []byte(name), []byte(values[name]))
		}
		for _, ev := range wire.Events(r.p.Number, e.At, e.Fields) {
			r.take(e, &ev)
		}
		add(ctx, pipe, r.p.Events, e)
	}
}

// named returns the value of a field of an entry.
func named(f wire.Fields, name string) string {
	for i := 0; i+1 < len(f); i += 2 {
		if string(f[i]) == name {
			return string(f[i+1])
		}
	}
	return ""
}

// restoredCopy is what release needs: attempt of the next run, what it follows from,
// opts, and the body, because the birth is below the floor.
func restoredCopy(last *task.Event, body wire.Fields) string {
	attempt := last.Attempt
	if last.Kind == task.OutcomeRetry {
		attempt++
	}
	return wire.Strings(strconv.Itoa(attempt), last.At.String(), named(body, "opts"),
		named(body, "type"), named(body, "payload"), named(body, "headers"))
}

// restoredGrave is what requeue needs.
func restoredGrave(last *task.Event, body wire.Fields) string {
	return wire.Strings(strconv.Itoa(last.Attempt), named(body, "type"), named(body, "payload"), named(body, "headers"),
		named(body, "opts"), last.Reason, last.Error)
}

// meta is the meta hash: the clock and the counters of the moment. All births are
// below the floor, since their outcome index is not there.
func (r *restoring) meta() []any {
	f, n := r.fold, r.fold.Counts
	m := []any{
		"schema", "1", "token", restoredLife + "." + strconv.FormatInt(f.Last.Ms, 10) + "." + strconv.FormatInt(r.highest, 10),
		"ms", f.Last.Ms, "lsn", f.LastLSN, "floor", f.LastLSN + 1, "open", f.States()[task.Ready],
		"enqueued", n[task.Born] + n[task.Scheduled],
	}
	for _, k := range []task.Kind{
		task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire,
		task.Requeued, task.PurgedDead,
	} {
		m = append(m, k.String(), n[k])
	}
	if f.Paused {
		m = append(m, "paused", "1")
	}
	return m
}

// epochIn is the epoch that an event begins, 0 if it begins none.
func epochIn(e *task.Event) int64 {
	token := string(e.Extra)
	switch e.Kind {
	case task.EpochStarted:
		parts, err := wire.Split(token)
		if err != nil || len(parts) < 2 {
			return 0
		}
		token = parts[1]
	case task.Recovered:
	default:
		return 0
	}
	return parseInt(token[strings.LastIndexByte(token, '.')+1:])
}
