package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// process is a server that runs, or does not: *redisproc.Proc or *container.
type process interface {
	Pid() int
	Kill() error
	Restart(ctx context.Context, once ...string) error
	Signal(s os.Signal) error // SIGSTOP and SIGCONT
	Stop() error
}

var (
	_ process = (*redisproc.Proc)(nil)
	_ process = (*container)(nil)
)

// Rig is a deployment that runs.
type Rig struct {
	config Config
	own    bool // Stop removes config.Dir
	client redis.UniversalClient

	watching sync.WaitGroup // the sampler of append-only files
	unwatch  context.CancelFunc

	mu        sync.Mutex
	procs     []process // in the order of their start
	servers   []*Server
	sentinels []*Server
	primary   *Server // standalone and container: who it is; elsewhere the servers know
}

// Start runs a deployment and returns when it takes writes and every replica is
// in sync. It outlives ctx; whoever starts it stops it. Errors: [ErrUsage],
// [ErrMissing].
func Start(ctx context.Context, c Config) (*Rig, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("start rig: %w", err)
	}
	r := &Rig{config: c}
	if c.Dir == "" {
		d, err := os.MkdirTemp("", "tm-rig-")
		if err != nil {
			return nil, fmt.Errorf("start rig: %w", err)
		}
		r.config.Dir, r.own = d, true
	}
	watch, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	r.unwatch = unwatch
	r.watching.Go(func() { r.sample(watch) }) // joined by Stop
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.Topology, err), r.Stop())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) error {
	switch r.config.Topology {
	case Standalone:
		return r.startStandalone(ctx)
	case Sentinel:
		return r.startSentinel(ctx)
	case Cluster:
		return r.startCluster(ctx)
	case Container:
		return r.startContainer(ctx)
	default:
		panic("rig: topology " + r.config.Topology)
	}
}

// run starts a server in the folder name of the rig.
func (r *Rig) run(ctx context.Context, name string, o redisproc.Options) (*redisproc.Proc, error) {
	o.Binary, o.Dir = r.config.Binary, filepath.Join(r.config.Dir, name)
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	p, err := redisproc.Start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.procs = append(r.procs, p)
	return p, nil
}

// URL is what tidemill connects to.
func (r *Rig) URL() string {
	switch r.config.Topology {
	case Sentinel:
		return "redis+sentinel://" + addrs(r.sentinels) + "/" + masterName
	case Cluster:
		return "redis+cluster://" + addrs(r.servers)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.primary.URL()
}

func addrs(servers []*Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.addr)
	}
	return strings.Join(all, ",")
}

// Servers are the data servers, dead ones too.
func (r *Rig) Servers() []*Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.servers)
}

// Sentinels are the sentinels, none elsewhere.
func (r *Rig) Sentinels() []*Server { return slices.Clone(r.sentinels) }

// Client finds the primary as tidemill does and repeats nothing, except that on
// Cluster it goes where MOVED and ASK send it, and go-redis then also repeats a
// command whose connection broke. It is closed by Stop.
func (r *Rig) Client() redis.UniversalClient { return r.client }

// Primary is the server that takes writes; on Cluster, those of slot 0.
func (r *Rig) Primary(ctx context.Context) (*Server, error) { return r.PrimaryOf(ctx, 0) }

// PrimaryOf is the server that takes writes of a slot, where there are slots. It
// may be dead and not yet replaced.
func (r *Rig) PrimaryOf(ctx context.Context, slot int) (*Server, error) {
	switch r.config.Topology {
	case Sentinel:
		return r.named(ctx)
	case Cluster:
		return r.owner(ctx, slot)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.primary, nil
}

// Stop kills everything and waits until it is gone. The files stay if
// Config.Dir named their folder. Stopping twice is stopping once.
func (r *Rig) Stop() error {
	r.unwatch()
	r.watching.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(r.procs) { // sentinels first: nothing is promoted meanwhile
		errs = append(errs, p.Stop())
	}
	for _, s := range slices.Concat(r.servers, r.sentinels) {
		errs = append(errs, closed(s.client))
	}
	if r.client != nil {
		errs = append(errs, closed(r.client))
	}
	if r.own {
		errs = append(errs, os.RemoveAll(r.config.Dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop rig: %w", err)
	}
	return nil
}

// closed closes a client that may be closed.
func closed(c interface{ Close() error }) error {
	if err := c.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return err
	}
	return nil
}
