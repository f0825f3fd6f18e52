//go:build unix

package cli

import (
	"os"
	"syscall"
)

// group is a process and all it started that did not leave its process group.
type group struct{ leader *os.Process }

// Errors mean that there is nobody left to signal, or nobody we may.
func (g group) terminate() { _ = syscall.Kill(-g.leader.Pid, syscall.SIGTERM) }
func (g group) kill()      { _ = syscall.Kill(-g.leader.Pid, syscall.SIGKILL) }
