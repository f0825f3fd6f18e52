package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/ory/dockertest/v3"

	"github.com/tidemill/tidemill/internal/redistest"
)

// made is a container of the process owner, which the test removes if nobody else
// does.
func made(t *testing.T, pool *dockertest.Pool, owner int) *container {
	t.Helper()
	it, _, err := create(pool, Config{}.withDefaults(), owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Purge(it) })
	return &container{pool: pool, it: it}
}

func newPool(t *testing.T) *dockertest.Pool {
	t.Helper()
	redistest.NeedDocker(t)
	pool, err := engine(t.Context(), Config{}.withDefaults().Image)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// What the dead have left is removed, what the living have is not.
func TestSweep(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	dead := exec.CommandContext(t.Context(), "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	orphan, ours := made(t, pool, dead.Process.Pid), made(t, pool, os.Getpid())
	if err := sweep(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	gone := func(context.Context) error { // another test's Start may be at it
		if it, err := pool.Client.InspectContainer(orphan.it.Container.ID); err == nil {
			return fmt.Errorf("it is %s", it.State.Status)
		}
		return nil
	}
	if err := until(t.Context(), answerWithin, "the container of a dead process is gone", gone); err != nil {
		t.Error(err)
	}
	if ours.Pid() == 0 {
		t.Error("the container of a living process is gone")
	}
}

// The engine ends what nobody ends, and not before its time.
func TestExpire(t *testing.T) {
	t.Parallel()
	c := made(t, newPool(t), os.Getpid())
	if err := c.it.Expire(3600); err != nil {
		t.Fatal(err)
	}
	ended := func(context.Context) error {
		if pid := c.Pid(); pid != 0 {
			return fmt.Errorf("pid %d", pid)
		}
		return nil
	}
	if err := until(t.Context(), askWithin, "it ends", ended); err == nil {
		t.Error("it ended an hour early")
	}
	if err := c.it.Expire(1); err != nil {
		t.Fatal(err)
	}
	if err := until(t.Context(), answerWithin, "it ends", ended); err != nil {
		t.Error(err)
	}
}
