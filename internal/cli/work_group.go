package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
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

// runGroup runs cmd as a process group of its own, with its output copied to
// stdout and stderr, and returns as cmd.Run does. When ctx ends the group has to
// end. In any case nothing of it is left.
func runGroup(ctx context.Context, cmd *exec.Cmd, stdout, stderr io.Writer) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// PDEATHSIG is sent when the thread that forked ends, not when the process
	// does (golang.org/issue/27505), so the thread stays for as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr, cmd.WaitDelay = ownGroup(), lingerFor
	out, err := startPiped(cmd, stdout, stderr)
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
	if !stop() { // what has its output open still lives, and may use its grace, too
		select {
		case <-out.quiet:
			close(dead)
			<-ended
		case <-ended:
		}
	}
	g.kill() // while anything is left its number is nobody else's, and a free one is not reused for long
	select {
	case <-out.quiet:
	case <-time.After(lingerFor):
	}
	out.close()
	return err
}

// output is what a group prints, on its way to two writers.
type output struct {
	ours    []io.Closer
	copying sync.WaitGroup
	quiet   chan struct{} // closed when nobody has any of it open any more, or after close
}

// startPiped starts cmd with its output copied.
func startPiped(cmd *exec.Cmd, stdout, stderr io.Writer) (*output, error) {
	o := &output{quiet: make(chan struct{})}
	theirs, err := o.pipe(stdout)
	if err == nil {
		cmd.Stdout = theirs
		defer theirs.Close() // the process has its own
		theirs, err = o.pipe(stderr)
	}
	if err == nil {
		cmd.Stderr = theirs
		defer theirs.Close()
		err = cmd.Start()
	}
	go func() { // joined by close
		o.copying.Wait()
		close(o.quiet)
	}()
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// pipe gives an end to write to; what is written there is copied to w, until that
// fails.
func (o *output) pipe(w io.Writer) (*os.File, error) {
	r, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.ours = append(o.ours, r)
	o.copying.Go(func() {
		_, _ = io.Copy(w, r)
		_ = r.Close() // the writer shall notice
	})
	return theirs, nil
}

// close ends the copying.
func (o *output) close() {
	for _, r := range o.ours {
		_ = r.Close()
	}
	<-o.quiet
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
