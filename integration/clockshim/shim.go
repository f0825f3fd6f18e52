package clockshim

import (
	"errors"
	"sync"
)

// ErrNoCompiler is the error of Build where nothing compiles C.
var ErrNoCompiler = errors.New("no C compiler on PATH: install gcc and libc6-dev (Alpine: gcc and musl-dev)")

const (
	envPreload = "LD_PRELOAD"
	envFile    = "TIDEMILL_CLOCK_FILE" // read by src/shim.c
)

// Shim is the clock of the processes that run with its Env. Its methods may be
// called from several goroutines.
type Shim struct {
	library, file string

	mu  sync.RWMutex
	mem []byte // the file, mapped; nil once closed
}

// Env makes a process one whose clock moves, appended to its environment. It
// replaces any LD_PRELOAD before it.
func (s *Shim) Env() []string {
	return []string{envPreload + "=" + s.library, envFile + "=" + s.file}
}
