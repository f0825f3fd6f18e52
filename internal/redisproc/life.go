package redisproc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	answerWithin = 15 * time.Second // loading a log counts
	askEvery     = 5 * time.Millisecond
	tailLines    = 10
)

var errNoAnswer = fmt.Errorf("no answer to PING within %v", answerWithin)

// life is one process, from fork to wait.
type life struct {
	cmd      *exec.Cmd
	log      string
	logStart int64         // where this life's part of the log begins
	done     chan struct{} // closed by watch, once, when the process is gone
}

// begin starts a process. Its output goes to the end of redis.log.
func begin(binary string, args, env []string, pl place) (*life, error) {
	l := &life{
		cmd:  exec.Command(binary, args...),
		log:  filepath.Join(pl.dir, "redis.log"),
		done: make(chan struct{}),
	}
	f, err := os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the child has its own copy
	if l.logStart, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	l.cmd.Env = append(os.Environ(), env...)
	l.cmd.Stdout, l.cmd.Stderr = f, f
	l.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go l.watch(started) // joined by kill, or right here
	if err := <-started; err != nil {
		<-l.done
		return nil, err
	}
	return l, nil
}

// watch starts the process and stays until it is gone. Both on one thread that
// does nothing else: PDEATHSIG is sent when the thread that forked ends, not
// when the process does (golang.org/issue/27505).
func (l *life) watch(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(l.done)
	err := l.cmd.Start()
	started <- err
	if err == nil {
		_ = l.cmd.Wait() // how it ended is in the log
	}
}

func (l *life) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *life) kill() error {
	if err := l.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-l.done
	return nil
}

// ready waits until the server answers, or says why it does not.
func (l *life) ready(ctx context.Context, pl place) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errNoAnswer)
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		err := ping(ctx, pl)
		if err == nil && !l.over() { // else another server has our address
			return nil
		}
		select {
		case <-l.done:
			return fmt.Errorf("%s ended:\n%s", l.cmd, l.tail())
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w; log:\n%s", context.Cause(ctx), err, l.tail())
		case <-again.C:
		}
	}
}

// ping asks once. A server that wants a password is up; one that loads is not.
func ping(ctx context.Context, pl place) error {
	c, err := new(net.Dialer).DialContext(ctx, pl.network, pl.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	answer = strings.TrimSpace(answer)
	if answer == "+PONG" || strings.HasPrefix(answer, "-NOAUTH") {
		return nil
	}
	return errors.New(answer)
}

// tail is the end of what this life has logged.
func (l *life) tail() string {
	b, err := os.ReadFile(l.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b[min(l.logStart, int64(len(b))):]), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n")))
}
