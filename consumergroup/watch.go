package consumergroup

import (
	"context"
	"time"
)

// sighting is how long another consumer's record has stood still, by the
// monotonic clock of this node.
type sighting struct {
	record string
	since  time.Time // when the reply that first showed it had arrived
	moved  bool      // another record was seen before it: the next is due a third of the lease later
}

// next is how long to wait before the next look. The time until a dead node's
// work runs again is one lease and what the last renewal was seen too late: so
// the look for the next renewal comes a step before it was seen last time, and
// then every step until it is there.
func (s sighting) next(now time.Time, lease time.Duration) time.Duration {
	step, age := lease/48, now.Sub(s.since)
	switch early := lease/3 - step - age; {
	case age >= lease: // silent, but there was no room for what it holds
		return lease / 12
	case s.moved && early > 0:
		return early
	default:
		return min(step, max(lease-age, lease/100))
	}
}

// watch looks at the other consumers' records and takes over from those that
// stood still for a lease.
func (in *incarnation) watch(ctx context.Context) {
	lease := in.m.group.opts.Lease
	seen := map[string]sighting{}
	t := time.NewTimer(0)
	defer t.Stop()
	failures := 0
	full := time.Time{}     // when those without a record were last looked for
	answered := time.Time{} // when Redis last told the records
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		asked := time.Now()
		everyone := asked.Sub(full) >= lease
		records, err := in.session.Observe(ctx, everyone)
		if err != nil {
			if in.isLost(err) || ctx.Err() != nil {
				return
			}
			in.m.group.failed("observe", err)
			clear(seen) // Redis must have answered all along
			failures++
			t.Reset(max(min(lease/12, time.Second), backoff(failures)))
			continue
		}
		failures = 0
		if time.Since(answered) > lease*2/3 { // this node stood still, or Redis did: so may have the others
			clear(seen)
		}
		answered = time.Now()
		if everyone {
			full = asked
		}
		next := in.look(ctx, seen, records, asked, everyone)
		t.Reset(max(min(next, time.Until(asked.Add(next))), time.Millisecond))
	}
}

// look compares what was seen with what is, takes over from the silent and
// returns when to look again.
func (in *incarnation) look(ctx context.Context, seen map[string]sighting, records map[string]string, asked time.Time, everyone bool) time.Duration {
	lease, now := in.m.group.opts.Lease, time.Now()
	next := lease / 3
	for name, record := range records {
		s, ok := seen[name]
		switch {
		case !ok || s.record != record && record != "dead":
			s = sighting{record: record, since: now, moved: ok}
			seen[name] = s
		case record == "dead" || asked.Sub(s.since) >= lease:
			if in.takeOver(ctx, name, s.record, asked.Sub(s.since) >= lease+lease/6) {
				delete(seen, name)
				continue
			}
		}
		next = min(next, s.next(now, lease))
	}
	for name, s := range seen {
		if _, ok := records[name]; !ok && (everyone || s.record != "") {
			delete(seen, name)
		}
	}
	return next
}
