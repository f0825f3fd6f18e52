package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// patience bounds what takes milliseconds when Redis is well: a call to the log
// asks again until its context ends.
const patience = 30 * time.Second

// brief opens an engine for calls that are soon done.
func (a *app) brief(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	return a.with(ctx, func(eng *engine.Engine) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return fn(ctx, eng)
	})
}

// operator says who acts and why; both go into the history.
type operator struct{ actor, reason string }

func (o *operator) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.actor, "actor", "", "who acts, for the history `NAME` (default $USER@host)")
	c.Flags().StringVar(&o.reason, "reason", "", "why, for the history `TEXT` (required)")
}

func (o *operator) by() (engine.By, error) {
	if o.reason == "" {
		return engine.By{}, &exitError{
			code: exitUsage, err: errors.New("--reason is required"),
			hint: `say why, the history keeps it: --reason "TEXT"`,
		}
	}
	return engine.By{Actor: cmp.Or(o.actor, whoami()), Reason: o.reason}, nil
}

// whoami is who acts unless --actor says another.
func whoami() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return cmp.Or(os.Getenv("USER"), os.Getenv("LOGNAME"), "uid"+strconv.Itoa(os.Getuid())) + "@" + host
}

// parseIDs reads all ids before anything is done to one of them.
func parseIDs(args []string) ([]engine.ID, error) {
	ids := make([]engine.ID, len(args))
	for i, s := range args {
		id, err := task.ParseID(s)
		if err != nil {
			return nil, badID(err)
		}
		ids[i] = id
	}
	return ids, nil
}

func badID(err error) error {
	return &exitError{code: exitData, err: err, hint: "an id is 26 characters, such as enqueue and ls print"}
}

// each does something to every id. One that fails does not stop the others,
// unless Redis is gone; the last line of all says how many failed.
func (a *app) each(ctx context.Context, ids []engine.ID, do func(context.Context, engine.ID) error) error {
	failed := 0
	for _, id := range ids {
		c, cancel := context.WithTimeout(ctx, patience)
		err := do(c, id)
		cancel()
		switch {
		case err == nil:
			continue
		case !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrNotDead), len(ids) == 1:
			return err
		}
		failed++
		fmt.Fprintf(a.err, "tidemill: %s\n", oneLine(err.Error()))
	}
	if failed > 0 {
		return failure(exitFailed, "tidemill show ID tells where a task stands", "%d of %s failed", failed, count(len(ids), "task"))
	}
	return nil
}
