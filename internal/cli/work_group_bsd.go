//go:build unix && !linux

package cli

import "syscall"

// ownGroup makes a process lead a group. It outlives a worker that is killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
