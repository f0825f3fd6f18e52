package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redisproc"
)

// lab is where a run takes place: a user's Redis, or servers of its own, one for
// each persistence that a scenario asks for, started when it does.
type lab struct {
	opts    Options
	began   time.Time
	servers map[string]*server // by persistence
}

// server is one Redis.
type server struct {
	url  string
	db   *redis.Client
	proc *redisproc.Proc // nil: it is a user's
	seen *sessions       // nil: nobody minds what is left behind
	warm bool
}

// newLab looks at the user's Redis, if there is one; it must have nothing in the
// namespace.
func newLab(ctx context.Context, o Options) (*lab, error) {
	l := &lab{opts: o, began: time.Now(), servers: map[string]*server{}}
	if o.URL == "" {
		return l, nil
	}
	eng, err := engine.Open(ctx, o.URL, engine.Options{Namespace: o.Namespace})
	if err != nil { // it never tells a password
		return nil, err
	}
	if err := eng.Close(); err != nil {
		return nil, err
	}
	s := &server{url: o.URL}
	if s.db, err = connect(o.URL); err != nil {
		return nil, err
	}
	if err := refuse(ctx, s.db, o.Namespace); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.seen = watchSessions(ctx, s.db, o.Namespace)
	l.servers[""] = s
	return l, nil
}

// server that has this persistence.
func (l *lab) server(ctx context.Context, persistence string) (*server, error) {
	if s := l.servers[persistence]; s != nil {
		return s, nil
	}
	o := redisproc.Options{TCP: true}
	if persistence != "" {
		o.Args = []string{"--appendonly", "yes", "--appendfsync", persistence}
	}
	proc, err := redisproc.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &server{url: proc.URL(), proc: proc}
	l.servers[persistence] = s
	s.db, err = connect(s.url)
	return s, err
}

// lacks says which of the needs this run cannot give.
func (l *lab) lacks(n needs) needs {
	if l.opts.URL != "" {
		return n
	}
	if len(l.opts.Worker) == 0 {
		return n & needsKill
	}
	return 0
}

func (l *lab) close() error {
	var errs []error
	if s := l.servers[""]; l.opts.URL != "" && s.seen == nil {
		ctx, cancel := context.WithTimeout(context.Background(), cleanWithin)
		errs = append(errs, sweep(ctx, s.db, l.opts.Namespace))
		cancel()
	}
	for _, s := range l.servers {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (s *server) close() error {
	var errs []error
	if s.seen != nil {
		errs = append(errs, s.seen.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.proc != nil {
		errs = append(errs, s.proc.Stop())
	}
	return errors.Join(errs...)
}

// connect makes the client of the floor: as bare as it gets.
func connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil { // which may tell a password
		return nil, fmt.Errorf("redis url: %w", ErrURL)
	}
	o.Protocol, o.PoolSize, o.MaxRetries = 2, 128, -1
	o.DisableIdentity, o.ContextTimeoutEnabled = true, true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}
