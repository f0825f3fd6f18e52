package redisproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
)

// ErrNotFound is the error of Start when there is no server on PATH.
var ErrNotFound = errors.New("neither redis-server nor valkey-server is on PATH")

// Options say how to run the server; the zero value runs one.
type Options struct {
	Dir  string   // where it lives; "": a directory of its own, removed by Stop
	Args []string // more arguments, as in "--appendonly", "yes"; they win over those given here
	TCP  bool     // listen on a free port of 127.0.0.1; false: on a unix socket

	Binary   string   // the server; "": the one that Find finds
	Env      []string // more environment, as in "LD_PRELOAD=/x.so"; it wins over this process's
	Sentinel string   // a sentinel with this configuration runs instead, on TCP; it keeps what it learns in Dir
}

// Find returns the server that Start would run.
func Find() (path string, ok bool) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// Proc is a server that runs, or that was killed and may be restarted. Its
// methods may be called from several goroutines.
type Proc struct {
	binary string
	args   []string
	env    []string
	place  place

	mu      sync.Mutex
	life    *life // the process; nil when it was killed
	stopped bool
}

// Start runs a server and returns when it answers PING, within 15 s. The server
// outlives ctx; whoever starts it stops it.
func Start(ctx context.Context, o Options) (*Proc, error) {
	binary := o.Binary
	if binary == "" {
		var ok bool
		if binary, ok = Find(); !ok {
			return nil, fmt.Errorf("start redis: %w", ErrNotFound)
		}
	}
	pl, err := newPlace(o)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	p := &Proc{binary: binary, args: append(pl.args(), o.Args...), env: o.Env, place: pl}
	if err := p.Restart(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// URL is what redis.ParseURL understands; it never changes.
func (p *Proc) URL() string { return p.place.url() }

// Dir is where the server keeps its files, redis.log among them.
func (p *Proc) Dir() string { return p.place.dir }

// Pid of the server, 0 while none runs.
func (p *Proc) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life == nil || p.life.over() {
		return 0
	}
	return p.life.cmd.Process.Pid
}

// Signal sends a signal to the server: SIGSTOP and SIGCONT for a pause, SIGTERM
// for an orderly end. os.ErrProcessDone if none runs.
func (p *Proc) Signal(s os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life == nil {
		return fmt.Errorf("signal redis: %w", os.ErrProcessDone)
	}
	if err := p.life.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal redis: %w", err)
	}
	return nil
}

// Kill ends the server as a crash would and waits until it is gone. Its files
// stay, for Restart.
func (p *Proc) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killLocked()
}

func (p *Proc) killLocked() error {
	if p.life == nil {
		return nil
	}
	if err := p.life.kill(); err != nil {
		return fmt.Errorf("kill redis: %w", err)
	}
	p.life = nil
	return nil
}

// Restart kills the server if it runs and starts it on its old files and
// address, this once with more arguments. Like Start it returns when the server
// answers.
func (p *Proc) Restart(ctx context.Context, once ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errors.New("restart redis: it was stopped")
	}
	if err := p.killLocked(); err != nil {
		return err
	}
	l, err := begin(p.binary, slices.Concat(p.args, once), p.env, p.place)
	if err != nil {
		return fmt.Errorf("start redis: %w", err)
	}
	p.life = l
	if err := l.ready(ctx, p.place); err != nil {
		return errors.Join(fmt.Errorf("start redis: %w", err), p.killLocked())
	}
	return nil
}

// Stop kills the server and removes the directory that was made for it.
// Stopping twice is stopping once.
func (p *Proc) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if err := p.killLocked(); err != nil {
		return err
	}
	if err := p.place.remove(); err != nil {
		return fmt.Errorf("stop redis: %w", err)
	}
	return nil
}
