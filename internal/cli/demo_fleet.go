package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
)

// fleet is the workers of the demo.
type fleet interface {
	start(ctx context.Context) error
	kill() string // kills one, without mercy, and says so
	stop()        // stops the others and waits
}

const fleetSize = 3

// processes are workers as processes of this binary.
type processes struct {
	url    string
	stderr io.Writer
	cmds   []*exec.Cmd
}

func (p *processes) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for range fleetSize {
		c := exec.CommandContext(ctx, self, "demo-worker", "--namespace", "demo")
		c.Env = append(os.Environ(), "TIDEMILL_REDIS="+p.url)
		c.Stderr = p.stderr
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
		if err := c.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		p.cmds = append(p.cmds, c)
	}
	return nil
}

func (p *processes) kill() string {
	c := p.cmds[0]
	_ = c.Process.Kill()
	_ = c.Wait()
	p.cmds = p.cmds[1:]
	return fmt.Sprintf("killed worker process %d with SIGKILL", c.Process.Pid)
}

func (p *processes) stop() {
	for _, c := range p.cmds {
		_ = c.Process.Signal(os.Interrupt)
	}
	for _, c := range p.cmds {
		_ = c.Wait()
	}
}

// workerCommand is what those processes run.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo-worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			eng, err := a.open(cmd.Context(), demoOptions(a.namespace))
			if err != nil {
				return err
			}
			defer eng.Close()
			engine.Handle(eng, demoType, handleDemo)
			return eng.Run(cmd.Context())
		},
	}
}

// engines are workers as engines of this process, where there is no server that
// processes could share.
type engines struct {
	url  string
	wg   sync.WaitGroup
	all  []*engine.Engine
	quit []context.CancelFunc
}

func (e *engines) start(ctx context.Context) error {
	for range fleetSize {
		eng, err := engine.Open(ctx, e.url, demoOptions("demo"))
		if err != nil {
			return err
		}
		engine.Handle(eng, demoType, handleDemo)
		c, cancel := context.WithCancel(ctx)
		e.all, e.quit = append(e.all, eng), append(e.quit, cancel)
		e.wg.Go(func() { _ = eng.Run(c) }) // the killed one reports that it could not drain
	}
	return nil
}

// kill closes one engine's connections: it cannot drain or hand back.
func (e *engines) kill() string {
	_ = e.all[0].Close()
	e.quit[0]()
	return "cut one engine's connections, without drain or hand-back"
}

func (e *engines) stop() {
	for _, cancel := range e.quit {
		cancel()
	}
	e.wg.Wait()
	for _, eng := range e.all[1:] {
		_ = eng.Close()
	}
}
