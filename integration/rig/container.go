package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
	"github.com/redis/go-redis/v9"
)

const (
	answerWithin = 15 * time.Second // from a container's start to its PONG
	expiresAfter = time.Hour        // since its last start, whoever is still there
)

// container is a server in a Docker container, which survives the death of the
// server in it: the published port, and the files, are those of before.
//
//  1. What we started, Stop removes.
//  2. What we left behind because we were killed, the next Start removes: the
//     labels of a container tell who made it.
//  3. What nobody removes, the engine ends after expiresAfter.
type container struct {
	pool   *dockertest.Pool
	it     *dockertest.Resource
	client *redis.Client // the Server's
	dir    string        // for redis.log

	mu      sync.Mutex // one operation at a time
	stopped bool
	frozen  bool
}

func (r *Rig) startContainer(ctx context.Context) error {
	pool, err := engine(ctx, r.config.Image)
	if err != nil {
		return err
	}
	if err := sweep(ctx, pool); err != nil {
		return fmt.Errorf("remove containers of the dead: %w", err)
	}
	s, c, err := r.contain(pool)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.procs, r.servers, r.primary = append(r.procs, c), append(r.servers, s), s
	r.client = redis.NewClient(direct(s.addr))
	r.mu.Unlock()
	return c.ready(ctx)
}

// contain makes the container and what stands for it; nothing is left after an
// error.
func (r *Rig) contain(pool *dockertest.Pool) (*Server, *container, error) {
	dir := filepath.Join(r.config.Dir, "server-1")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	it, addr, err := create(pool, r.config, os.Getpid())
	if err != nil {
		return nil, nil, fmt.Errorf("run image %s: %w", r.config.Image, err)
	}
	client := redis.NewClient(direct(addr))
	c := &container{pool: pool, it: it, client: client, dir: dir}
	return &Server{rig: r, proc: c, addr: addr, dir: dir, client: client}, c, nil
}

// ready waits until the server answers. From here on the engine ends it some day.
func (c *container) ready(ctx context.Context) error {
	if err := c.it.Expire(uint(expiresAfter.Seconds())); err != nil {
		return err
	}
	return until(ctx, answerWithin, "the container answers", func(ctx context.Context) error {
		err := c.client.Ping(ctx).Err()
		if err != nil && c.Pid() == 0 {
			return fmt.Errorf("%w, and it has ended", err)
		}
		return err
	})
}

// Pid is 0 too while the engine does not answer.
func (c *container) Pid() int {
	it, err := c.pool.Client.InspectContainer(c.it.Container.ID)
	if err != nil || !it.State.Running {
		return 0
	}
	return it.State.Pid
}

// Kill is SIGKILL for the server in the container, frozen or not.
func (c *container) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killLocked()
}

func (c *container) killLocked() error {
	if c.Pid() == 0 {
		c.frozen = false // whatever ended it
		return nil
	}
	id := c.it.Container.ID
	ctx, cancel := context.WithTimeout(context.Background(), requestWithin)
	defer cancel()
	err := c.pool.Client.KillContainer(docker.KillContainerOptions{ID: id, Signal: docker.SIGKILL, Context: ctx})
	if ended := (*docker.ContainerNotRunning)(nil); err == nil || errors.As(err, &ended) {
		_, err = c.pool.Client.WaitContainerWithContext(id, ctx)
	}
	if err != nil {
		return fmt.Errorf("kill container: %w", err)
	}
	c.frozen = false
	return nil
}

// Restart starts the same container again: a container has its arguments for life.
func (c *container) Restart(ctx context.Context, once ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped || len(once) > 0 {
		return fmt.Errorf("restart container: %w: it was stopped, or is to take other arguments", ErrUsage)
	}
	if err := c.killLocked(); err != nil {
		return err
	}
	if err := c.pool.Client.StartContainerWithContext(c.it.Container.ID, nil, ctx); err != nil {
		return fmt.Errorf("start container: %w", err)
	}
	return c.ready(ctx)
}

// Signal freezes and thaws, as docker pause and unpause do. The engine (20.10)
// also goes by what it hears from containerd, which may be late: for a moment after
// each of the two it may refuse the other ("already paused").
func (c *container) Signal(s os.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	do := c.pool.Client.PauseContainer
	switch s {
	case syscall.SIGSTOP:
	case syscall.SIGCONT:
		do = c.pool.Client.UnpauseContainer
	default:
		panic("rig: signal " + s.String())
	}
	if c.Pid() == 0 {
		return fmt.Errorf("signal container: %w", os.ErrProcessDone)
	}
	if freeze := s == syscall.SIGSTOP; c.frozen == freeze {
		return nil
	}
	err := until(context.Background(), answerWithin, "the engine heeds "+s.String(), func(context.Context) error {
		return do(c.it.Container.ID)
	})
	if err == nil {
		c.frozen = !c.frozen
	}
	return err
}

// Stop keeps the log and removes the rest.
func (c *container) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	return errors.Join(c.killLocked(), c.keepLog(), c.pool.Purge(c.it))
}

func (c *container) keepLog() error {
	f, err := os.Create(filepath.Join(c.dir, "redis.log"))
	if err != nil {
		return err
	}
	err = c.pool.Client.Logs(docker.LogsOptions{
		Container: c.it.Container.ID, OutputStream: f, ErrorStream: f, Stdout: true, Stderr: true,
	})
	return errors.Join(err, f.Close())
}
