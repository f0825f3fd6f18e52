package rig

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// What Config.Topology may be.
const (
	Standalone = "standalone" // one server
	Sentinel   = "sentinel"   // a primary, two replicas, three sentinels
	Cluster    = "cluster"    // three primaries, each with a replica
	Container  = "container"  // one server in a Docker container, with a published port
)

// What Config.Persistence may be.
const (
	None     = "none"     // memory alone
	Everysec = "everysec" // append-only file, fsync every second
	Always   = "always"   // append-only file, fsync before the answer
)

var (
	// ErrUsage is the error of a request that makes no sense.
	ErrUsage = errors.New("impossible request")

	// ErrMissing is the error of Start when this machine has no such server, and
	// on Container when no Docker engine answers or it has no such image.
	ErrMissing = errors.New("no server to run")
)

// Config says what to run; the zero value is one server without persistence.
type Config struct {
	Topology    string   // default standalone
	Persistence string   // default none
	Dir         string   // where the servers live, kept by Stop; "": one that Stop removes
	Env         []string // more environment of the data servers, as in "LD_PRELOAD=/x.so"; not on Container
	Binary      string   // the server; "": redis-server or valkey-server on PATH; not on Container
	Image       string   // the server on Container; "": TIDEMILL_TEST_IMAGE or tidemill-redis:local
	Args        []string // more arguments of the data servers; they win over those given here
}

func (c Config) withDefaults() Config {
	c.Topology = cmp.Or(c.Topology, Standalone)
	c.Persistence = cmp.Or(c.Persistence, None)
	c.Image = cmp.Or(c.Image, redisproc.Image())
	return c
}

func (c Config) validate() error {
	if !slices.Contains([]string{Standalone, Sentinel, Cluster, Container}, c.Topology) {
		return fmt.Errorf("%w: topology %q: want %s, %s, %s or %s", ErrUsage, c.Topology, Standalone, Sentinel, Cluster, Container)
	}
	if !slices.Contains([]string{None, Everysec, Always}, c.Persistence) {
		return fmt.Errorf("%w: persistence %q: want %s, %s or %s", ErrUsage, c.Persistence, None, Everysec, Always)
	}
	if c.Topology == Container {
		if len(c.Env) > 0 || c.Binary != "" {
			return fmt.Errorf("%w: env and binary are for processes: a container has what its image has", ErrUsage)
		}
		return nil // Start finds out about engine and image
	}
	if c.Binary == "" {
		if _, ok := redisproc.Find(); !ok {
			return fmt.Errorf("%w: %w: apt-get install redis-server", ErrMissing, redisproc.ErrNotFound)
		}
		return nil
	}
	if _, err := exec.LookPath(c.Binary); err != nil {
		return fmt.Errorf("%w: %w: apt-get install redis-server, or tools/newer.sh for newer versions", ErrMissing, err)
	}
	return nil
}

// args of every data server. The append-only file is never rewritten by itself:
// its size at a moment is then what it takes to go back to that moment.
func (c Config) args() []string {
	a := []string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--enable-debug-command", "local"}
	if c.Persistence != None {
		a = append(a, "--appendonly", "yes", "--appendfsync", c.Persistence,
			"--aof-load-truncated", "yes", "--auto-aof-rewrite-percentage", "0")
	}
	return a
}
