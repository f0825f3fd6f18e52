package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiled runs fn and leaves a CPU and an allocation profile of it in dir, also
// when fn fails. Without a dir it runs fn.
func (a *app) profiled(dir string, fn func() error) (err error) {
	if dir == "" {
		return fn()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failure(exitData, "--profile wants a directory it may write", "profile: %w", err)
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return failure(exitData, "--profile wants a directory it may write", "profile: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return errors.Join(fmt.Errorf("profile: %w", err), cpu.Close())
	}
	err = fn()
	pprof.StopCPUProfile()
	if kept := errors.Join(cpu.Close(), keepAllocs(filepath.Join(dir, "allocs.pprof"))); err == nil && kept != nil {
		return fmt.Errorf("profile: %w", kept)
	}
	return err
}

func keepAllocs(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
