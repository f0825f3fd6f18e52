package main

import "syscall"

// dieWithParent has the kernel end the child when this process dies; on SIGINT
// PostgreSQL shuts down, and the drivers end.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
}
