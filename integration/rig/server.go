package rig

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// Server is one data server. Its methods may be called from several goroutines.
type Server struct {
	rig      *Rig
	proc     process
	addr     string
	dir      string
	client   *redis.Client
	sentinel bool // not a data server
	aof      aof  // what CutAOF knows

	mu     sync.Mutex
	paused bool
}

// launch starts a data server in a folder of its own.
func (r *Rig) launch(ctx context.Context, name string, more ...string) (*Server, error) {
	s, err := r.newServer(ctx, name, redisproc.Options{
		TCP: true, Env: r.config.Env, Args: slices.Concat(r.config.args(), more, r.config.Args),
	})
	if err != nil {
		return nil, err
	}
	s.aof.sample(s.Dir(), time.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = append(r.servers, s)
	return s, nil
}

func (r *Rig) newServer(ctx context.Context, name string, o redisproc.Options) (*Server, error) {
	p, err := r.run(ctx, name, o)
	if err != nil {
		return nil, err
	}
	parsed, err := redis.ParseURL(p.URL())
	if err != nil {
		return nil, err
	}
	c := redis.NewClient(direct(parsed.Addr))
	return &Server{rig: r, proc: p, addr: parsed.Addr, dir: p.Dir(), client: c, sentinel: o.Sentinel != ""}, nil
}

// direct are options of a client that asks once and believes the answer.
func direct(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, Protocol: 2, MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
		DialTimeout: askWithin, ReadTimeout: 3 * time.Second, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// universal makes a client of many servers that is as direct.
func universal(o redis.UniversalOptions) redis.UniversalClient {
	d := direct("")
	o.Protocol, o.MaxRetries, o.ContextTimeoutEnabled, o.DisableIdentity = d.Protocol, d.MaxRetries, true, true
	o.DialTimeout, o.ReadTimeout, o.DialerRetries = d.DialTimeout, d.ReadTimeout, d.DialerRetries
	o.MaintNotificationsConfig = d.MaintNotificationsConfig
	if o.MasterName != "" {
		return redis.NewUniversalClient(&o)
	}
	c := o.Cluster()
	c.ClusterStateReloadInterval = askWithin // go-redis looks anew after MOVED, but not after a dead node
	return redis.NewClusterClient(c)
}

// Addr is where the server listens, as in net.Dial. It never changes.
func (s *Server) Addr() (network, addr string) { return "tcp", s.addr }

// URL leads to this server, whatever its role.
func (s *Server) URL() string { return "redis://" + s.addr }

// Dir is where the server keeps its files, redis.log among them. A container
// keeps them inside; Stop puts its redis.log here.
func (s *Server) Dir() string { return s.dir }

// Pid of the process, 0 while none runs. A container's is the one that its
// engine's machine knows.
func (s *Server) Pid() int { return s.proc.Pid() }

// Client talks to this server, whatever its role, and retries nothing. It is
// closed by Stop.
func (s *Server) Client() *redis.Client { return s.client }

func (s *Server) String() string { return s.addr }

// Kill ends the process with SIGKILL and waits until it is gone.
func (s *Server) Kill() error {
	s.setPaused(false)
	return s.proc.Kill()
}

// Restart kills the process if it runs, starts it on its files and returns when
// it answers. Where another server was promoted meanwhile it starts as a replica
// of that one; where none was, it is what it was: a primary without persistence
// comes back empty, and empties its replicas.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Kill(); err != nil {
		return err
	}
	role, err := s.rig.roleOf(ctx, s)
	if err != nil {
		return fmt.Errorf("restart %s: %w", s, err)
	}
	if err := s.proc.Restart(ctx, role...); err != nil || !s.sentinel {
		return err
	}
	return s.hurry(ctx)
}

// Pause stops the process with SIGSTOP: the kernel goes on accepting
// connections and bytes for it, and answers nothing. A container is frozen, which
// is the same to whoever talks to it.
func (s *Server) Pause() error {
	if err := s.proc.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %s: %w", s, err)
	}
	s.setPaused(true)
	return nil
}

// Resume lets a paused process go on.
func (s *Server) Resume() error {
	if err := s.proc.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resume %s: %w", s, err)
	}
	s.setPaused(false)
	return nil
}

func (s *Server) setPaused(v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = v
}

// alive answers whether the process runs and is not paused.
func (s *Server) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.paused && s.proc.Pid() != 0
}

// replicaOf are the arguments of a replica of s.
func (s *Server) replicaOf() []string {
	host, port, _ := net.SplitHostPort(s.addr)
	return []string{"--replicaof", host + " " + port}
}
