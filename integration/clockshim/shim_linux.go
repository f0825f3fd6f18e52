package clockshim

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// source lives in a folder of its own: Go takes C files beside its own for cgo.
//
//go:embed src/shim.c
var source string

// offsetSize is how many bytes of the file the library maps.
const offsetSize = 8

// Build compiles the shim into dir, with a clock that is right. The directory
// must outlive the processes; every clock wants one of its own.
func Build(ctx context.Context, dir string) (*Shim, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("build clock shim: %w", err)
	}
	if strings.ContainsAny(dir, " :") {
		return nil, fmt.Errorf("build clock shim: %q: a path with a space or a colon is two to LD_PRELOAD", dir)
	}
	s := &Shim{library: filepath.Join(dir, "clockshim.so"), file: filepath.Join(dir, "clockshim.offset")}
	if err := compile(ctx, s.library); err != nil {
		return nil, fmt.Errorf("build clock shim: %w", err)
	}
	if s.mem, err = mapFile(s.file); err != nil {
		return nil, fmt.Errorf("build clock shim: map %s: %w", s.file, err)
	}
	if err := s.Set(0); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// compile makes the library. The source goes in by stdin: one file less to leave.
func compile(ctx context.Context, library string) error {
	compiler, err := findCompiler()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, compiler, "-std=c11", "-O2", "-fPIC", "-shared",
		"-o", library, "-x", "c", "-")
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", compiler, err, strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "; "))
	}
	return nil
}

func findCompiler() (string, error) {
	for _, name := range []string{"gcc", "cc", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoCompiler
}

// mapFile maps the offset. A file that is there already is not cut to nothing
// meanwhile: a process may have it mapped.
func mapFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	if err := f.Truncate(offsetSize); err != nil {
		return nil, err
	}
	return syscall.Mmap(int(f.Fd()), 0, offsetSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

// word is the offset where the processes see it. A mapping begins a page, so it
// is aligned.
func (s *Shim) word() *int64 { return (*int64)(unsafe.Pointer(&s.mem[0])) }

// Set moves the clock to offset from the right time, in whole milliseconds and at
// once. It does not add to an earlier offset.
func (s *Shim) Set(offset time.Duration) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.mem == nil {
		return fmt.Errorf("set clock: %w", os.ErrClosed)
	}
	atomic.StoreInt64(s.word(), offset.Milliseconds())
	return nil
}

// Offset is what was Set; zero after Close.
func (s *Shim) Offset() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.mem == nil {
		return 0
	}
	return time.Duration(atomic.LoadInt64(s.word())) * time.Millisecond
}

// Close gives the mapping back; the files stay for processes that still run with
// the last offset. Closing twice is closing once.
func (s *Shim) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mem == nil {
		return nil
	}
	err := syscall.Munmap(s.mem)
	s.mem = nil
	if err != nil {
		return fmt.Errorf("close clock shim: %w", err)
	}
	return nil
}
