package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Bounds of what is worth a line.
const (
	overdueAfter = 5 * time.Second
	manyDead     = 1000
	behindAfter  = 2 * time.Minute
	// a consumer younger than this may not be announced yet
	consumerYouth = 15 * time.Second
)

// work looks at queues and nodes.
func (d *doctor) work(ctx context.Context) {
	nodes, err := d.log.Nodes(ctx)
	if err != nil {
		d.bad("nodes", "", "%v", err)
		return
	}
	queues, err := d.log.Queues(ctx)
	if err != nil {
		d.bad("queues", "", "%v", err)
		return
	}
	d.ok("nodes", "%s, %s", count(len(nodes), "node"), count(len(queues), "queue"))
	served, held := map[task.Queue]bool{}, map[string]bool{}
	for i := range nodes {
		for q := range nodes[i].Queues {
			served[q] = true
		}
		for _, c := range nodes[i].Holds {
			held[c] = true
		}
	}
	for _, q := range slices.Sorted(maps.Keys(queues)) {
		before := len(d.found)
		parts, err := d.log.Stats(ctx, q)
		if err != nil {
			d.bad("queue", "", "%s: %v", q, err)
			continue
		}
		sum := parts[0]
		for _, p := range parts[1:] {
			sum = sum.Add(p)
		}
		d.queue(&sum, served[q])
		d.pressure(ctx, q)
		d.consumers(ctx, q, held)
		d.cursors(ctx, q, time.UnixMilli(sum.NowMs))
		if !slices.ContainsFunc(d.found[before:], func(f finding) bool { return f.Level != "ok" }) {
			d.ok("queue", "%s: %d waiting, %d ready, %d running, %d dead", q, sum.Waiting, sum.Ready, sum.Running, sum.Dead)
		}
	}
}

// queue tells what keeps a queue from moving.
func (d *doctor) queue(s *task.Stats, served bool) {
	if s.Paused {
		d.warn("queue", fmt.Sprintf("tidemill resume %s --reason TEXT", s.Queue), "%s is paused, %s ready", s.Queue, count(s.Ready, "task"))
	}
	if open := s.Waiting + s.Ready + s.Running; !served && open > 0 {
		d.warn("queue", "start a worker for it: tidemill work --queue "+string(s.Queue), "%s: no node works on it, %s open", s.Queue, count(open, "task"))
	}
	if late := time.Duration(s.NowMs-s.NextDueMs) * time.Millisecond; s.NextDueMs != 0 && late > overdueAfter {
		d.warn("queue", "nodes release what is due: is one running, and is Redis out of memory?", "%s: a waiting task has been due for %s", s.Queue, short(late))
	}
	if s.Dead >= manyDead {
		d.warn("queue", "tidemill dead ls tells why; requeue or purge them", "%s: %s", s.Queue, count(s.Dead, "dead task"))
	}
}

// consumers finds those whose node is gone. What they hold is taken over by the
// next node that sees them silent for a lease.
func (d *doctor) consumers(ctx context.Context, q task.Queue, held map[string]bool) {
	all, err := d.log.Consumers(ctx, q)
	if err != nil {
		d.bad("consumers", "", "%s: %v", q, err)
		return
	}
	var orphans []string
	pending := int64(0)
	for name, n := range all {
		if !held[name] && !young(name) {
			orphans = append(orphans, name)
			pending += n
		}
	}
	if len(orphans) == 0 {
		return
	}
	slices.SortFunc(orphans, func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b)) })
	names := strings.Join(orphans[:min(len(orphans), 3)], ", ")
	if len(orphans) > 3 {
		names += ", …"
	}
	d.warn("consumers", "a node that works on the queue takes them over after its lease",
		"%s: %s without a node, %s held: %s", q, count(len(orphans), "consumer"), count(pending, "delivery"), names)
}

// cursors finds what keeps trim from its work: an archiver that does not come on.
func (d *doctor) cursors(ctx context.Context, q task.Queue, now time.Time) {
	behind, err := d.log.Behind(ctx, q)
	if err != nil {
		d.bad("archive", "", "%s: %v", q, err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(behind)) {
		if hold, ok := streams.HoldName(name); ok {
			d.holds(q, hold, behind[name])
			continue
		}
		if late := now.Sub(behind[name]); !behind[name].IsZero() && late > behindAfter {
			d.warn("archive", "is tidemill archive run running, and is there room? To archive no more: tidemill archive forget",
				"%s: cursor %s is %s behind: nothing since is trimmed", q, clean(name), short(late))
		}
	}
}

// holds tells what operators keep on purpose.
func (d *doctor) holds(q task.Queue, name string, since time.Time) {
	from := ""
	if !since.IsZero() {
		from = " from " + stamp(since)
	}
	d.ok("hold", "%s: %s keeps the history%s", q, clean(name), from)
}

// pressure tells why a queue takes no tasks.
func (d *doctor) pressure(ctx context.Context, q task.Queue) {
	reason, err := d.log.Full(ctx, q)
	switch {
	case err != nil:
		d.bad("queue", "", "%s: %v", q, err)
	case reason != "":
		d.bad("queue", "get tidemill archive run going: it needs room where it writes. Or archive no more: tidemill archive forget",
			"%s takes no new tasks: back-pressure of the %s, which falls behind while the log grows", q, clean(reason))
	}
}

// young reports whether a consumer, whose name tells when it was made, may be
// too new to be announced.
func young(name string) bool {
	id, err := ulid.ParseStrict(name)
	return err == nil && time.Since(ulid.Time(id.Time())) < consumerYouth
}
