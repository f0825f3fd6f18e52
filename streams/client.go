package streams

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/tidemill/tidemill/internal/memserver"
	"github.com/tidemill/tidemill/task"
)

// A connection whose other end is silent is given up after readTimeout; one that
// blocks is answered after maxBlock at most, and has two seconds more.
const (
	dialTimeout = 2 * time.Second
	readTimeout = 3 * time.Second
	maxBlock    = 4 * time.Second
)

// target is a parsed URL: how to make clients for one deployment.
type target struct {
	options *redis.UniversalOptions
	cluster bool
	memory  bool // mem://: one process, gone with it
	close   func() error
}

// parse reads a URL of one of the schemes redis, rediss, unix, redis+sentinel,
// redis+cluster and mem. Errors never hold the password.
func parse(raw string, tlsConfig *tls.Config) (*target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: redis url: cannot be parsed", task.ErrInvalidOption)
	}
	t := &target{close: func() error { return nil }}
	switch u.Scheme {
	case "redis", "rediss", "unix":
		err = t.standalone(u, raw)
	case "redis+sentinel", "redis+cluster":
		err = t.many(u)
	case "mem":
		err = t.mem(u.Host)
	default:
		err = fmt.Errorf("scheme %q: want redis, rediss, unix, redis+sentinel, redis+cluster or mem", u.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: redis url: %w", task.ErrInvalidOption, err)
	}
	if tlsConfig != nil {
		t.options.TLSConfig = tlsConfig
	}
	return t, nil
}

// whole refuses a URL that was cut in the middle of a password, by a character that
// should be escaped: what is behind it would be told in errors.
func whole(u *url.URL) error {
	if u.Scheme == "unix" {
		if u.Host != "" {
			return errors.New("unix wants a path from the root, as in unix:///run/redis.sock")
		}
		return nil
	}
	if strings.Contains(u.Opaque+u.Path+u.RawQuery+u.Fragment, "@") {
		return errors.New("an @ behind the host: in a user or a password, write / ? # @ as %2F %3F %23 %40")
	}
	return nil
}

func (t *target) standalone(u *url.URL, raw string) error {
	if err := whole(u); err != nil {
		return err
	}
	o, err := redis.ParseURL(raw)
	if err != nil {
		return err
	}
	t.options = &redis.UniversalOptions{
		Addrs: []string{o.Addr}, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
	}
	if o.Network == "unix" {
		t.options.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", o.Addr)
		}
	}
	return nil
}

// many reads redis+sentinel://[user:pass@]host,host/master[/db] and
// redis+cluster://[user:pass@]host,host.
func (t *target) many(u *url.URL) error {
	if err := whole(u); err != nil {
		return err
	}
	password, _ := u.User.Password()
	t.options = &redis.UniversalOptions{Addrs: strings.Split(u.Host, ","), Username: u.User.Username(), Password: password}
	if u.Scheme == "redis+cluster" {
		t.cluster, t.options.IsClusterMode = true, true
		return nil
	}
	master, db, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if master == "" {
		return fmt.Errorf("redis+sentinel wants the master's name as path")
	}
	t.options.MasterName = master
	n, err := strconv.Atoi(cmp.Or(db, "0"))
	if err != nil {
		return fmt.Errorf("database %q is no number", db)
	}
	t.options.DB = n
	return nil
}

func (t *target) mem(name string) error {
	m, err := memserver.Open(name)
	if err != nil {
		return err
	}
	t.memory, t.close = true, m.Close
	t.options = &redis.UniversalOptions{Addrs: []string{"127.0.0.1:0"}, Dialer: m.Dialer()}
	return nil
}

// client makes a client. go-redis must not repeat a call by itself: a repeat is
// ours to make, with the arguments the session knows (DESIGN 5.3), and at a pace of
// ours (pause). So it dials once a try, too; where it follows a Cluster, whose nodes
// it asks in turn, it waits as long as we would.
func (t *target) client(pool int) redis.UniversalClient {
	o := *t.options
	o.MaxRetries = -1
	o.MaxRedirects = 8
	o.ContextTimeoutEnabled = true
	o.Protocol = 2
	o.DialTimeout = dialTimeout
	o.DialerRetries = 1
	o.MinRetryBackoff, o.MaxRetryBackoff = minPause, maxPause
	o.ReadTimeout = cmp.Or(o.ReadTimeout, readTimeout)
	o.WriteTimeout = readTimeout
	o.PoolSize = pool
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return follow(redis.NewUniversalClient(&o))
}

// blocking makes a client of one connection, for calls that block.
func (t *target) blocking() redis.UniversalClient {
	o := *t.options
	o.ReadTimeout = maxBlock + 2*time.Second
	return (&target{options: &o, cluster: t.cluster, memory: t.memory}).client(1)
}
