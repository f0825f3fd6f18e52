//go:build !linux

package redisproc

import "syscall"

// dieWithParent exists on Linux only.
func dieWithParent() *syscall.SysProcAttr { return nil }
