package main

import (
	"os/exec"
	"runtime"
)

// start starts cmd and closes done when it has ended. It stays on one thread
// until then: PDEATHSIG is sent when the thread that forked ends
// (golang.org/issue/27505).
func start(cmd *exec.Cmd, done chan<- struct{}) error {
	started := make(chan error)
	go func() { // ends with the process, whose stop waits for done
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // whoever waits for done asks how it ended
		}
	}()
	return <-started
}
