package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
)

// doctorPatience bounds all that doctor asks. It bears with less than other
// commands: it is called when something is wrong.
const doctorPatience = 10 * time.Second

// finding is one line of doctor.
type finding struct {
	Level string `json:"level"` // ok, warn, bad
	What  string `json:"what"`
	Text  string `json:"finding"`
	Hint  string `json:"hint,omitempty"`
}

// doctor gathers findings. It also looks at a server that the engine refuses.
type doctor struct {
	server   streams.Server
	info     map[string]string
	log      *streams.Reader
	inMemory bool
	found    []finding
}

func (d *doctor) ok(what, format string, args ...any) {
	d.found = append(d.found, finding{Level: "ok", What: what, Text: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(what, hint, format string, args ...any) {
	d.found = append(d.found, finding{Level: "warn", What: what, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *doctor) bad(what, hint, format string, args ...any) {
	d.found = append(d.found, finding{Level: "bad", What: what, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Tell what would bite on this Redis", Args: cobra.NoArgs,
		Long: "Looks at the server (version, role, eviction, persistence, memory, clock) and at the queues (paused,\n" +
			"overdue, without a worker, many dead, consumers without a node). Works on a server that the other\n" +
			"commands refuse. Exits 1 if something is bad; a warning is no failure. A Cluster is judged by the one\n" +
			"node that answers.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

func (a *app) doctor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	log, err := streams.New(a.address(), streams.Options{Namespace: a.namespace})
	if err != nil {
		return err
	}
	defer log.Close()
	d := &doctor{log: log.Reader(), inMemory: log.InMemory()}
	if err := d.examine(ctx, log); err != nil {
		return err
	}
	d.address(a.url, a.address())
	return a.diagnosis(d.found)
}

// examine asks everything; only a Redis that does not answer is an error.
func (d *doctor) examine(ctx context.Context, log *streams.Log) error {
	var err, refused error
	if d.server, refused = log.Preflight(ctx, false); refused != nil && !errors.Is(refused, engine.ErrUnsafe) {
		return refused
	}
	if d.info, err = d.log.Info(ctx); err != nil {
		return err
	}
	d.identity(refused)
	d.memory()
	d.persistence()
	d.clients()
	d.clock(ctx)
	d.work(ctx)
	return nil
}

// diagnosis prints the findings and says whether one is bad.
func (a *app) diagnosis(found []finding) error {
	bad := 0
	for _, f := range found {
		if f.Level == "bad" {
			bad++
		}
		if a.json {
			if err := a.printJSON(f); err != nil {
				return err
			}
			continue
		}
		a.printf("%-4s  %-11s  %s\n", f.Level, f.What, cell(f.Text))
		if f.Hint != "" {
			a.printf("%-4s  %-11s  hint: %s\n", "", "", cell(f.Hint))
		}
	}
	if bad > 0 {
		return failure(exitFailed, "", "%d of %s bad", bad, count(len(found), "finding"))
	}
	return nil
}
