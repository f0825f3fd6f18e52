package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/integration/proxy"
)

// member is one place in the fleet: a process that is started again whenever it
// ends, behind a proxy of its own, until the run retires it.
type member struct {
	role  role
	proxy *proxy.Proxy // nil: it speaks to Redis directly
	log   *os.File
	done  chan struct{} // closed when it is retired and its last process has ended

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd  // the process; nil between two
	retired bool
	lives   int
	own     []string // ends that nobody asked for
	wanted  bool     // the next end was asked for
	began   time.Time
}

// join starts a member.
func (w *world) join(kind, name string, seed uint64) error {
	m := &member{done: make(chan struct{})}
	m.role = role{
		Kind: kind, Name: name, URL: w.rig.URL(), Namespace: w.run.Namespace, Dir: w.dir, Seed: seed, Queues: w.run.Queues,
		Lease: w.opts.lease, Retention: w.opts.retention, Rate: w.opts.rate, Replicated: w.opts.replicated,
	}
	if slices.Contains(single, w.opts.topology) {
		network, addr := w.rig.Servers()[0].Addr()
		p, err := proxy.New(network, addr)
		if err != nil {
			return err
		}
		m.proxy, m.role.URL = p, "redis://"+p.Addr()
	}
	var err error
	m.log, err = os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.members = append(w.members, m)
	go m.live() // ended by retire, which waits for done
	return nil
}

// live starts the process again and again. It stays on one thread: the kernel
// kills the child when the thread that forked it ends, so nothing is left over
// when this process is killed.
func (m *member) live() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(m.done)
	for m.once() {
		time.Sleep(150 * time.Millisecond)
	}
}

// once runs one process to its end; false when the member is retired.
func (m *member) once() bool {
	text, _ := json.Marshal(m.role)
	program, err := os.Executable()
	if err != nil {
		m.blame(err)
		return false
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), roleEnv+"="+string(text))
	cmd.Stdout, cmd.Stderr = m.log, m.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.mu.Lock()
	if m.retired {
		m.mu.Unlock()
		return false
	}
	if err = cmd.Start(); err != nil {
		m.mu.Unlock()
		m.blame(err)
		return false
	}
	m.cmd, m.wanted, m.began = cmd, false, time.Now()
	m.lives++
	m.mu.Unlock()
	err = cmd.Wait()

	m.mu.Lock()
	defer m.mu.Unlock()
	m.cmd = nil
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitCrash {
		err = nil
	}
	if err != nil && !m.wanted {
		m.own = append(m.own, fmt.Sprintf("%s: %v", m.role.Name, err))
	}
	return !m.retired
}

// blame notes an end that nobody asked for.
func (m *member) blame(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own = append(m.own, fmt.Sprintf("%s: %v", m.role.Name, err))
}

// pid of the process that runs now, 0 for none.
func (m *member) pid() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return 0
	}
	return m.cmd.Process.Pid
}

// signal sends a signal and returns whom it reached, 0 for nobody. SIGKILL is an
// end that was asked for; SIGTERM must end in exit code 0.
func (m *member) signal(s syscall.Signal) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return 0
	}
	m.wanted = m.wanted || s == syscall.SIGKILL || time.Since(m.began) < time.Second // it may not listen for SIGTERM yet
	if m.cmd.Process.Signal(s) != nil {
		return 0
	}
	return m.cmd.Process.Pid
}

// kill ends a member at once; one that has ended is left alone.
func (m *member) kill() {
	m.mu.Lock()
	m.retired = true
	m.mu.Unlock()
	m.signal(syscall.SIGKILL)
	<-m.done
	if m.proxy != nil {
		_ = m.proxy.Close()
	}
	_ = m.log.Close() // it may be closed
}

// retire ends a member: SIGTERM, and SIGKILL when it does not end in time, which
// is an error.
func (m *member) retire(ctx context.Context) error {
	m.mu.Lock()
	m.retired = true
	m.mu.Unlock()
	m.signal(syscall.SIGTERM)
	var late error
	select {
	case <-m.done:
	case <-ctx.Done():
		late = fmt.Errorf("%s did not end after SIGTERM", m.role.Name)
		m.signal(syscall.SIGQUIT) // its goroutines are in its log
		pause(context.WithoutCancel(ctx), 500*time.Millisecond)
		m.signal(syscall.SIGKILL)
		<-m.done
	}
	if m.proxy != nil {
		late = errors.Join(late, m.proxy.Close())
	}
	return errors.Join(late, m.log.Close())
}
