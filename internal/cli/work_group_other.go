//go:build !unix

package cli

import (
	"os"
	"syscall"
)

// group is a process: there are no process groups here.
type group struct{ leader *os.Process }

func ownGroup() *syscall.SysProcAttr { return nil }

func (g group) terminate() { _ = g.leader.Kill() }
func (g group) kill()      { _ = g.leader.Kill() }
