package streams_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// aclPassword is that of every user, which no error may tell.
const aclPassword = "s3cr3t-canary"

// unasked are commands that the roles have and that the tests below do not need:
// go-redis sends them to a Cluster, or for a database other than 0, and the index
// is unlinked in logs of more than 8192 tasks.
var unasked = []string{"select", "command", "cluster|slots", "unlink"}

// restricted is a server with the users of docs/redis.acl, in which some texts may
// be replaced.
type restricted struct {
	*testing.T
	proc  *redisproc.Proc
	admin *redis.Client // the default user, who may do everything
}

func newRestricted(t *testing.T, replace ...string) *restricted {
	t.Helper()
	rules, err := os.ReadFile("../docs/redis.acl")
	if err != nil {
		t.Fatal(err)
	}
	rules = []byte(strings.NewReplacer(replace...).Replace(string(rules)))
	file := filepath.Join(t.TempDir(), "users.acl")
	rules = regexp.MustCompile(`(?m)^user \S+ on`).ReplaceAll(rules, []byte("$0 >"+aclPassword))
	if err := os.WriteFile(file, rules, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &restricted{T: t, proc: redistest.Start(t, redisproc.Options{Args: []string{"--aclfile", file}})}
	r.admin = r.client(r.proc.URL())
	return r
}

func (r *restricted) client(url string) *redis.Client {
	r.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		r.Fatal(err)
	}
	c := redis.NewClient(o)
	r.Cleanup(func() { c.Close() })
	return c
}

// url of a role: producer, worker, reader or admin.
func (r *restricted) url(role string) string {
	return strings.Replace(r.proc.URL(), "://", "://tidemill-"+role+":"+aclPassword+"@", 1)
}

// as is a rig on a log of its own that acts as a role.
func (r *restricted) as(t *testing.T, role, namespace string) *rig {
	t.Helper()
	w := &rig{T: t, ctx: t.Context(), log: open(t, r.url(role), streams.Options{Namespace: namespace})}
	w.k = keys.New(namespace, queue, 0)
	return w
}

// allowed lists the commands of a role, from the file.
func (r *restricted) allowed(role string) []string {
	r.Helper()
	rules, err := os.ReadFile("../docs/redis.acl")
	if err != nil {
		r.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^user tidemill-` + role + ` .*$`).Find(rules)
	var names []string
	for _, m := range regexp.MustCompile(`\+([a-z_|]+)`).FindAllSubmatch(line, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// asked lists the commands that the server has executed, in scripts too.
func (r *restricted) asked() []string {
	r.Helper()
	info, err := r.admin.Info(r.Context(), "commandstats").Result()
	if err != nil {
		r.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^cmdstat_([a-z_|]+):`).FindAllStringSubmatch(info, -1) {
		names = append(names, m[1])
	}
	return names
}

// least compares what a role may with what was asked, of late or before.
func (r *restricted) least(role string, asked ...string) {
	r.Helper()
	allowed, asked := r.allowed(role), append(asked, r.asked()...)
	for _, c := range allowed {
		if !slices.Contains(asked, c) && !slices.Contains(unasked, c) {
			r.Errorf("docs/redis.acl gives %s the command %s, which it never asks", role, c)
		}
	}
}

// A worker needs no more than its user may, and its user may no more than it needs.
func TestACLWorker(t *testing.T) {
	t.Parallel()
	r := newRestricted(t)
	t.Run("conformance", func(t *testing.T) {
		streamstest.Run(t, func(t *testing.T) *streams.Log { return open(t, r.url("worker"), streams.Options{}) })
	})
	t.Run("beyond", func(t *testing.T) {
		w := r.as(t, "worker", "beyond")
		w.produce()
		w.damage(r.admin)
		w.read()
		w.labour()
	})
	r.least("worker")
}

func TestACLProducer(t *testing.T) {
	t.Parallel()
	r := newRestricted(t)
	p := r.as(t, "producer", "ns")
	p.produce()
	asked := r.asked()
	w := r.as(t, "worker", "ns")
	w.fetch(w.join(), 1)
	w.must(r.admin.ConfigResetStat(t.Context()).Err())
	p.damage(r.admin)
	p.must(r.admin.FlushAll(t.Context()).Err())
	p.state(p.ready(1)[0], task.Ready)
	r.least("producer", asked...)

	// It cannot take what it brought.
	if _, err := p.log.Join(t.Context(), queue, 0); !errors.Is(err, task.ErrDenied) {
		t.Errorf("join: got %v, want %v", err, task.ErrDenied)
	}
}

func TestACLReader(t *testing.T) {
	t.Parallel()
	r := newRestricted(t)
	w := r.as(t, "worker", "ns")
	w.produce()
	s := w.join()
	w.settle(s, task.OutcomeDead, task.Recorded, w.fetch(s, 1)...)
	w.fetch(s, 1)
	w.must(w.log.Announce(w.ctx, streams.Node{Name: "n1"}, time.Minute))
	_, err := w.log.Cancel(w.ctx, w.ready(1)[0], by)
	w.must(err)
	w.must(r.admin.ConfigResetStat(t.Context()).Err())
	reader := r.as(t, "reader", "ns")
	reader.read()
	r.least("reader")

	_, err = reader.log.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}})
	r.denied("enqueue", err)
	_, err = reader.log.Register(t.Context(), "other")
	r.denied("register", err)
	r.denied("pause", reader.log.Pause(t.Context(), queue, by))
}

// denied: the error says so, at once, and tells no password.
func (r *restricted) denied(what string, err error) {
	r.Helper()
	if !errors.Is(err, task.ErrDenied) || !errors.Is(err, task.ErrUnavailable) || strings.Contains(err.Error(), aclPassword) {
		r.Errorf("%s: got %v, want %v", what, err, task.ErrDenied)
	}
}

// produce is all that a producer does.
func (w *rig) produce() {
	w.Helper()
	w.ready(3)
	w.later(time.Hour)
	births := []task.Birth{{Type: "work", Queue: queue, Durability: task.Replicated}}
	if _, err := w.log.Enqueue(w.ctx, births); !errors.Is(err, task.ErrNotReplicated) || errors.Is(err, task.ErrDenied) {
		w.Errorf("a birth to be replicated: got %v, want %v", err, task.ErrNotReplicated)
	}
	keyed := task.Birth{Type: "work", Queue: queue, Key: "k", KeyTTL: time.Hour}
	w.enqueue(keyed)
	w.enqueue(keyed)
	_, err := w.log.Queues(w.ctx)
	w.must(err)
}

// damage is what everybody who writes mends: a lost group, a place that a stranger
// has taken.
func (w *rig) damage(admin *redis.Client) {
	w.Helper()
	w.must(admin.XAdd(w.ctx, &redis.XAddArgs{Stream: w.k.Tasks, ID: "9999999999999-1", Values: []string{"f", "v"}}).Err())
	w.ready(1)
	w.must(admin.XGroupDestroy(w.ctx, w.k.Tasks, keys.Group).Err())
	w.stats()
}

// labour is what the conformance suite leaves out of a worker's day.
func (w *rig) labour() {
	w.Helper()
	s := w.join()
	w.held(s, 1)
	w.must(w.log.Announce(w.ctx, streams.Node{Name: "n1"}, time.Minute))
	w.must(w.log.Withdraw(w.ctx, "n1"))
	z, err := w.log.Waiting(w.ctx, queue, 0)
	w.must(err)
	defer z.Close()
	_, err = z.Wake(w.ctx, time.Millisecond)
	w.must(err)
	_, _, err = z.Upcoming(w.ctx, 1)
	w.must(err)
	_, err = z.Hold(w.ctx, "releaser", "me", time.Minute)
	w.must(err)
	_, err = s.Sweep(w.ctx, func(task.Position) bool { return false })
	w.must(err)
}

// read asks everything that can be asked of a log.
func (w *rig) read() {
	w.Helper()
	r := w.log.Reader()
	_, err := w.log.Preflight(w.ctx, false)
	w.must(err)
	_, err = r.Now(w.ctx)
	w.must(err)
	_, err = r.Nodes(w.ctx)
	w.must(err)
	_, err = r.Consumers(w.ctx, queue)
	w.must(err)
	_, err = r.Live(w.ctx, queue, 0)
	w.must(err)
	_, err = r.End(w.ctx, queue, 0)
	w.must(err)
	for st, err := range r.Dead(w.ctx, streams.Filter{}) {
		w.must(err)
		w.state(st.ID, task.Dead)
	}
	for _, list := range []func() error{
		func() error { return first(r.Running(w.ctx, streams.Filter{})) },
		func() error { return first(r.Ready(w.ctx, streams.Filter{})) },
		func() error { return first(r.Waiting(w.ctx, streams.Filter{Queue: queue})) },
	} {
		w.must(list())
	}
	for _, e := range w.events() {
		if !e.Task.IsZero() {
			_, err := r.History(w.ctx, e.Task)
			w.must(err)
		}
	}
	w.stats()
}

// first is the first error of a listing.
func first(list func(func(task.Status, error) bool)) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestACLDenies: what no role needs, and what one has and another has not.
func TestACLDenies(t *testing.T) {
	t.Parallel()
	r := newRestricted(t)
	k := keys.New("ns", queue, 0)
	everybody := []string{
		"FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "CONFIG GET *", "CONFIG SET maxmemory 1", "SCRIPT FLUSH", "SCRIPT KILL", "MONITOR",
		"XGROUP DESTROY " + k.Tasks + " workers", "SHUTDOWN NOSAVE", "REPLICAOF NO ONE", "ACL LIST", "ACL SETUSER x",
		"CLIENT KILL TYPE normal", "CLIENT LIST", "PUBLISH c m", "SUBSCRIBE c", "FUNCTION LIST", "MODULE LIST", "SLOWLOG GET", "SAVE",
		"GET other", "HGETALL other:" + k.Meta, "DEL " + k.Tasks, "UNLINK " + k.Tasks, "RENAME " + k.Tasks + " " + k.Events,
		"EVAL_RO return{redis.call('GET','other')} 0", "EVAL_RO return{1} 1 other", "MULTI",
	}
	for role, denied := range map[string][]string{
		"reader":   {"HSET " + k.Meta + " f v", "EVAL return{1} 1 " + k.Meta, "XADD " + k.Tasks + " * f v", "XACK " + k.Tasks + " workers 1-1"},
		"producer": {"XREADGROUP GROUP workers c STREAMS " + k.Tasks + " >", "XACK " + k.Tasks + " workers 1-1", "XTRIM " + k.Tasks + " MAXLEN 0", "XGROUP DELCONSUMER " + k.Tasks + " workers c", "ZREM " + k.Waiting + " x"},
		"worker":   {"SET other v", "EVAL return{redis.call('SET','other','v')} 0", "EVAL return{redis.call('FLUSHALL')} 0", "EVAL return{redis.call('XGROUP','DESTROY',KEYS[1],'workers')} 1 " + k.Tasks, "DEL " + k.Chunk(0)},
	} {
		c := r.client(r.url(role))
		for _, line := range append(denied, everybody...) {
			r.refused(role, line, c.Do(t.Context(), words(line)...).Err())
		}
	}
	worker := r.client(r.url("worker"))
	for _, line := range []string{"DEL " + keys.Node("ns", "n1"), "UNLINK " + k.Chunk(0)} {
		if err := worker.Do(t.Context(), words(line)...).Err(); err != nil {
			t.Errorf("worker: %s: %v", line, err)
		}
	}
	admin := r.client(r.url("admin"))
	for _, line := range []string{"CONFIG GET appendfsync", "ACL LOG", "SLOWLOG GET", "CLIENT LIST", "SCAN 0", "MEMORY USAGE " + k.Meta, "DEL " + k.Meta} {
		if err := admin.Do(t.Context(), words(line)...).Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.Errorf("admin: %s: %v", line, err)
		}
	}
	for _, line := range []string{"FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "ACL SETUSER x", "SHUTDOWN NOSAVE", "MODULE LIST", "GET other", "CLIENT KILL TYPE normal"} {
		r.refused("admin", line, admin.Do(t.Context(), words(line)...).Err())
	}
}

// refused: by the rules, whether asked directly or by a script.
func (r *restricted) refused(role, line string, err error) {
	r.Helper()
	switch {
	case err == nil:
		r.Errorf("%s may %s", role, line)
	case !strings.HasPrefix(err.Error(), "NOPERM") && !strings.HasPrefix(err.Error(), "ERR The user executing the script") &&
		!strings.HasPrefix(err.Error(), "ERR ACL failure in script") && // Redis from 7.2 on, Valkey
		!strings.Contains(err.Error(), "No permissions"):
		r.Errorf("%s: %s: got %v, want no permission", role, line, err)
	}
}

func words(line string) []any {
	var list []any
	for _, w := range strings.Fields(line) {
		list = append(list, w)
	}
	return list
}

// TestACLNamespace: the patterns of docs/SECURITY.md keep a user in one namespace.
func TestACLNamespace(t *testing.T) {
	t.Parallel()
	r := newRestricted(t, " ~tm:*", " ~tm:{ns}:* ~tm:{ns/*", "~tm:{*}:node", "~tm:{ns}:node", "~tm:{*}:o", "~tm:{ns/*}:o")
	w := r.as(t, "worker", "ns")
	w.produce()
	w.damage(r.admin)
	w.labour()
	for _, other := range []string{"ns2", "n", "NS", "ns:x"} {
		_, err := r.as(t, "worker", other).log.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}})
		r.denied(other, err)
	}
	page, err := os.ReadFile("../docs/SECURITY.md")
	if err != nil || !strings.Contains(string(page), "~tm:{NS}:* ~tm:{NS/*") {
		t.Errorf("docs/SECURITY.md does not have the patterns: %v", err)
	}
}

// TestACLStrangers: a wrong password, a user who is not there, none at all.
func TestACLStrangers(t *testing.T) {
	t.Parallel()
	r := newRestricted(t)
	if err := r.admin.ConfigSet(t.Context(), "requirepass", "another").Err(); err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]string{
		"wrong password": "tidemill-worker:x" + aclPassword + "@", "unknown": "nobody:" + aclPassword + "@", "nobody": "",
	} {
		l := open(t, strings.Replace(r.proc.URL(), "://", "://"+user, 1), streams.Options{})
		_, err := l.Preflight(t.Context(), false)
		r.denied(name, err)
		_, err = l.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}})
		r.denied(name, err)
	}
	// The users of the file have no password until somebody gives them one.
	rules, err := os.ReadFile("../docs/redis.acl")
	if err != nil || regexp.MustCompile(`nopass|[>#]`).Match(rules) {
		t.Errorf("docs/redis.acl has a password, or a user without: %v", err)
	}
}
