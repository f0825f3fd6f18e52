package cli

import "syscall"

// ownGroup makes a process lead a group, and has the kernel kill it when this
// process dies, however that happens. What it started itself outlives it then.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
