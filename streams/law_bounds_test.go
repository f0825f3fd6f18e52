package streams_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// argBound watches how much is asked of one call (I10).
type argBound struct {
	mu   sync.Mutex
	over []string
}

// perItem is how many arguments a script takes for one item.
var perItem = map[string]int{"enqueue": 7, "settle": 11, "release": 4, "charge": 2, "renew": 1, "purge": 3, "recover": 4}

func (b *argBound) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (b *argBound) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}

func (b *argBound) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		b.look(cmd.Args())
		return next(ctx, cmd)
	}
}

func (b *argBound) look(args []any) {
	if len(args) < 3 || args[0] != "evalsha" {
		return
	}
	numKeys, _ := args[2].(int)
	argv := len(args) - 3 - numKeys
	for name, n := range perItem {
		if args[1] == streams.ScriptSHA(name) && (argv > 256*n+5 || numKeys > 256+11) {
			b.mu.Lock()
			b.over = append(b.over, fmt.Sprintf("%s with %d arguments, %d keys", name, argv, numKeys))
			b.mu.Unlock()
		}
	}
}

func (b *argBound) check(rt *rapid.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.over {
		rt.Error(s)
	}
}

// keyTable is the table of keys in DESIGN section 4: what may be left, and
// whether it ends by its own clock.
var keyTable = []struct {
	pattern *regexp.Regexp
	ttl     bool
}{
	{regexp.MustCompile(`^(t|e|z|d|m|f|k|c|x|y|g)$`), false},
	{regexp.MustCompile(`^o:\d+$`), false},
	{regexp.MustCompile(`^p:[0-9A-Z]{26}$`), true},
	{regexp.MustCompile(`^u:[0-9a-f]{40}$`), true},
	{regexp.MustCompile(`^l:[a-z]+$`), true},
	{regexp.MustCompile(`^w$`), true},
}

// ends: every key that is left is in the table, ends by its clock if it must,
// and holds nothing whose end has passed.
func (w *lawWorld) ends() {
	w.Helper()
	w.trimAll()
	prefix, _, _ := strings.Cut(w.k.Meta, "}:")
	prefix += "}:"
	iter := w.db.Scan(w.ctx, 0, prefix+"*", 1000).Iterator()
	for iter.Next(w.ctx) {
		name := strings.TrimPrefix(iter.Val(), prefix)
		known := false
		for _, row := range keyTable {
			if !row.pattern.MatchString(name) {
				continue
			}
			known = true
			if ttl, err := w.db.PTTL(w.ctx, iter.Val()).Result(); err != nil || row.ttl && ttl <= 0 {
				w.Errorf("key %s ends in %s, %v", name, ttl, err)
			}
			var n int64
			if _, err := fmt.Sscanf(name, "o:%d", &n); err == nil && n < w.m.floor>>13 {
				w.Errorf("index chunk %d is below the floor %d", n, w.m.floor)
			}
		}
		if !known {
			w.Errorf("key %s is not in the table", name)
		}
	}
	w.must(iter.Err())
	w.within(w.k.Copies, func(id task.ID) bool { return w.m.waiting()[id] })
	w.within(w.k.Graves, func(id task.ID) bool { return w.m.byID[id].state == task.Dead })
	w.members()
}

// within fails if a hash holds a field of a task that has no business there.
func (w *lawWorld) within(key string, ok func(task.ID) bool) {
	w.Helper()
	fields, err := w.db.HKeys(w.ctx, key).Result()
	w.must(err)
	for _, f := range fields {
		if id, err := task.ParseID(f); err != nil || !ok(id) {
			w.Errorf("%s holds %s: %v", key, f, err)
		}
	}
}

// members: a record belongs to a consumer that lives or was fenced and not yet
// taken over from.
func (w *lawWorld) members() {
	w.Helper()
	records, err := w.db.HGetAll(w.ctx, w.k.Members).Result()
	w.must(err)
	for _, n := range w.nodes {
		if name := n.s.Name(); w.m.fenced[name] == (records[name] != "" && records[name] != "dead") {
			w.Errorf("record of %s: %q, fenced: %t", name, records[name], w.m.fenced[name])
		}
	}
}
