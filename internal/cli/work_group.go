package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// How long a process group may take from SIGTERM to SIGKILL.
const (
	graceCancelled = 2 * time.Second
	// graceOther is less than the second after which the engine gives up a handler
	// that timed out or has to drain, and the task may start elsewhere: by then
	// nothing of this attempt may be left.
	graceOther = 800 * time.Millisecond
)

func grace(cause error) time.Duration {
	if errors.Is(cause, engine.ErrCancelled) {
		return graceCancelled
	}
	return graceOther
}

// lingerFor is how long a command's end waits for output that something has open
// which left the process group, and so cannot be ended.
const lingerFor = 100 * time.Millisecond

// runGroup runs cmd as a process group of its own, with stderr as its standard
// error, and returns as cmd.Run does. When ctx ends the group has to end. In any
// case nothing of it is left.
func runGroup(ctx context.Context, cmd *exec.Cmd, stderr io.Writer) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// PDEATHSIG is sent when the thread that forked ends, not when the process
	// does (golang.org/issue/27505), so the thread stays for as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr, cmd.WaitDelay = ownGroup(), lingerFor
	out, quiet, err := startPiped(cmd, stderr)
	if err != nil {
		return err
	}
	g := group{cmd.Process}
	dead, ended := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		g.end(dead, grace(context.Cause(ctx)))
	})
	err = cmd.Wait()
	if !stop() { // what has stderr open still lives, and may use its grace, too
		select {
		case <-quiet:
			close(dead)
			<-ended
		case <-ended:
		}
	}
	g.kill() // while anything is left its number is nobody else's, and a free one is not reused for long
	select {
	case <-quiet:
	case <-time.After(lingerFor):
	}
	_ = out.Close()
	<-quiet
	return err
}

// startPiped starts cmd with its stderr copied to w. The channel is closed when
// nobody has it open any more, or when it is closed here.
func startPiped(cmd *exec.Cmd, w io.Writer) (*os.File, <-chan struct{}, error) {
	r, theirs, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = theirs
	err = cmd.Start()
	_ = theirs.Close() // the process has its own
	if err != nil {
		_ = r.Close()
		return nil, nil, err
	}
	quiet := make(chan struct{})
	go func() { // joined by runGroup
		defer close(quiet)
		_, _ = io.Copy(w, r)
	}()
	return r, quiet, nil
}

// end asks the group to end, and kills it when it is dead or its time is over.
func (g group) end(dead <-chan struct{}, within time.Duration) {
	g.terminate()
	over := time.NewTimer(within)
	defer over.Stop()
	select {
	case <-dead:
	case <-over.C:
	}
	g.kill()
}
