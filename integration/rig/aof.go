package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	sampleEvery = 50 * time.Millisecond
	sampleKeep  = time.Minute
	aofFolder   = "appendonlydir"
)

// AOFSize is how large the growing part of the append-only file was.
type AOFSize struct {
	At   time.Time
	File string // in Dir/appendonlydir
	Size int64
}

// aof remembers the sizes of the last minute, oldest first. A cut forgets them:
// the file is another from there on.
type aof struct {
	mu    sync.Mutex
	sizes []AOFSize
}

// sample looks at all append-only files until ctx ends.
func (r *Rig) sample(ctx context.Context) {
	if r.config.Persistence == None || r.config.Topology == Container {
		return
	}
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			for _, s := range r.Servers() {
				s.aof.sample(s.Dir(), now)
			}
		}
	}
}

// sample notes the size now. There is none between two files, or without
// persistence.
func (a *aof) sample(dir string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, err := growing(dir)
	if err != nil {
		return
	}
	info, err := os.Stat(filepath.Join(dir, aofFolder, name))
	if err != nil {
		return
	}
	for len(a.sizes) > 0 && now.Sub(a.sizes[0].At) > sampleKeep {
		a.sizes = a.sizes[1:]
	}
	a.sizes = append(a.sizes, AOFSize{now, name, info.Size()})
}

// growing is the name of the incremental file that the server appends to.
func growing(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, aofFolder, "appendonly.aof.manifest"))
	if err != nil {
		return "", err
	}
	name := ""
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		f := strings.Fields(lines.Text()) // file NAME seq N type i
		if len(f) >= 6 && f[5] == "i" {
			name = f[1]
		}
	}
	if name == "" {
		return "", errors.New("manifest of the append-only file names no incremental one")
	}
	return name, nil
}

// AOFSizes are the sizes of the last minute, one every 50 ms, oldest first; none
// without persistence and on Container.
func (s *Server) AOFSizes() []AOFSize {
	s.aof.mu.Lock()
	defer s.aof.mu.Unlock()
	return append([]AOFSize(nil), s.aof.sizes...)
}

// Written waits until all that the server has acknowledged is with the kernel:
// everysec answers first, and writes up to two seconds later, while an fsync is
// in the way. Kill takes nothing then.
func (s *Server) Written(ctx context.Context) error {
	return until(ctx, syncWithin, fmt.Sprintf("%s has written its append-only file", s), func(ctx context.Context) error {
		info, err := s.client.Info(ctx, "persistence").Result()
		if err != nil {
			return err
		}
		for _, line := range lines(info) {
			if n, ok := strings.CutPrefix(line, "aof_buffer_length:"); ok && n != "0" {
				return fmt.Errorf("%s bytes are left", n)
			}
		}
		return nil
	})
}

// Cut is what a power loss took.
type Cut struct {
	File     string    // in Dir/appendonlydir
	From, To int64     // bytes before and after
	At       time.Time // the file was that short then; zero if it did not exist
}

// CutAOF is a power loss: it kills the server, makes the append-only file as
// short as it was some time before, and starts the server again. It never takes
// more than that time. Errors: [ErrUsage] on Container, whose files are inside,
// and if persistence is not everysec:
// without a file everything is lost by Kill, and what always has written no
// power loss takes.
//
// An answer shortly before Cut.At is no proof that its write survived: see
// [Server.Written].
func (s *Server) CutAOF(ctx context.Context, ago time.Duration) (Cut, error) {
	if p := s.rig.config.Persistence; p != Everysec || ago < 0 {
		return Cut{}, fmt.Errorf("cut %v of %s: %w: want persistence %s, got %s", ago, s, ErrUsage, Everysec, p)
	}
	then := time.Now().Add(-ago)
	return s.cut(ctx, func(name string, size int64) (int64, time.Time) {
		short := AOFSize{}
		for _, a := range s.AOFSizes() {
			if a.File == name && a.Size <= size && (short.At.IsZero() || !a.At.After(then)) {
				short = a
			}
		}
		return short.Size, short.At
	})
}

// TearAOF is a power loss in the middle of a write: the last bytes are missing,
// and a script may be half there. Errors: [ErrUsage] without persistence, and on
// Container.
func (s *Server) TearAOF(ctx context.Context, bytes int64) (Cut, error) {
	if s.rig.config.Persistence == None || bytes < 0 {
		return Cut{}, fmt.Errorf("tear %d bytes of %s: %w: want persistence", bytes, s, ErrUsage)
	}
	return s.cut(ctx, func(_ string, size int64) (int64, time.Time) { return max(0, size-bytes), time.Now() })
}

// cut kills, shortens and restarts.
func (s *Server) cut(ctx context.Context, short func(name string, size int64) (int64, time.Time)) (c Cut, err error) {
	if s.rig.config.Topology == Container {
		return c, fmt.Errorf("cut %s: %w: the files of a %s are inside it", s, ErrUsage, Container)
	}
	if err := s.Kill(); err != nil {
		return c, err
	}
	name, err := growing(s.Dir())
	if err != nil {
		return c, fmt.Errorf("cut %s: %w", s, err)
	}
	path := filepath.Join(s.Dir(), aofFolder, name)
	info, err := os.Stat(path)
	if err != nil {
		return c, fmt.Errorf("cut %s: %w", s, err)
	}
	c = Cut{File: name, From: info.Size()}
	c.To, c.At = short(name, c.From)
	if err := os.Truncate(path, c.To); err != nil {
		return c, fmt.Errorf("cut %s: %w", s, err)
	}
	s.aof.forget()
	s.aof.sample(s.Dir(), time.Now())
	return c, s.Restart(ctx)
}

func (a *aof) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sizes = nil
}
