package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresSettings are what a guide would set on a machine of this size; the
// rest, fsync and synchronous_commit among it, is as Debian ships it.
var postgresSettings = []string{
	"listen_addresses=", "max_connections=100", "shared_buffers=1GB", "max_wal_size=4GB", "logging_collector=off",
}

// cluster is a PostgreSQL of this run, in a directory of its own, reached
// through a unix socket. It starts when a first database is asked for.
type cluster struct {
	mu   sync.Mutex
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone
	n    int           // databases made
}

// postgresBin is the folder of initdb and postgres: Debian keeps them off PATH.
func postgresBin() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is fine
	if len(all) == 0 {
		return "", errors.New("no PostgreSQL server: apt-get install postgresql")
	}
	slices.Sort(all)
	return filepath.Dir(all[len(all)-1]), nil
}

func postgresVersion(ctx context.Context) (string, error) {
	bin, err := postgresBin()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("postgres --version: %w", err)
	}
	f := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (Debian …)
	return "PostgreSQL " + f[min(2, len(f)-1)], nil
}

// asPostgres makes a command run as the user postgres if this is root, whom
// PostgreSQL refuses.
func asPostgres(attr *syscall.SysProcAttr) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("postgres refuses root: %w", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numbers, on Unix
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

func (c *cluster) startLocked(ctx context.Context) (err error) {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	attr := dieWithParent()
	if err := asPostgres(attr); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("/tmp", "tm-pg-"); err != nil {
		return err
	}
	if attr.Credential != nil {
		if err := os.Chown(c.dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(c.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8")
	initdb.Dir, initdb.SysProcAttr = c.dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	args := []string{"-D", data, "-k", c.dir}
	for _, s := range postgresSettings {
		args = append(args, "-c", s)
	}
	c.cmd = exec.Command(filepath.Join(bin, "postgres"), args...)
	c.cmd.Dir, c.cmd.SysProcAttr = c.dir, attr
	c.done = make(chan struct{})
	if err := start(c.cmd, c.done); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	return c.ready(ctx)
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s", c.dir, database)
}

func (c *cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("postgres does not answer"))
	defer cancel()
	return poll(ctx, func() (bool, error) {
		select {
		case <-c.done:
			return false, errors.New("postgres ended as it started")
		default:
			return c.exec(ctx, "SELECT 1") == nil, nil
		}
	})
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// stop ends the server and removes what it wrote.
func (c *cluster) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(syscall.SIGINT) // "fast": ends the sessions; if it is gone, fine
		select {
		case <-c.done:
		case <-time.After(20 * time.Second):
			_ = c.cmd.Process.Kill()
			<-c.done
		}
	}
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// database is what one round gets.
type database struct {
	c    *cluster
	name string
	url  string
}

func (c *cluster) database(ctx context.Context) (*database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		if err := c.startLocked(ctx); err != nil {
			return nil, err
		}
	}
	c.n++
	d := &database{c: c, name: fmt.Sprintf("round%d", c.n)}
	d.url = c.url(d.name)
	return d, c.exec(ctx, "CREATE DATABASE "+d.name)
}

// drop also writes out what the round left, so that the next one need not.
func (d *database) drop(ctx context.Context) error {
	return errors.Join(d.c.exec(ctx, "DROP DATABASE "+d.name+" WITH (FORCE)"), d.c.exec(ctx, "CHECKPOINT"))
}

func (d *database) used(ctx context.Context) (n int64, err error) {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT pg_total_relation_size('river_job')`).Scan(&n)
	return n, err
}
