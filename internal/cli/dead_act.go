package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// purgePage is how many tasks one call purges.
const purgePage = 256

// tellEvery is how often a long run says how far it is.
const tellEvery = time.Second

func (a *app) requeueCommand() *cobra.Command {
	var who operator
	var which choice
	c := &cobra.Command{
		Use: "requeue [ID...] --reason TEXT", Short: "Give dead tasks another life with all their retries",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := which.read(args); err != nil {
				return err
			}
			by, err := who.by()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.requeue(cmd.Context(), eng, &which, by) })
		},
	}
	which.flags(a, c)
	who.flags(c)
	return c
}

// requeue tells of every task that was named and is not dead; of many it counts
// them: somebody else was faster.
func (a *app) requeue(ctx context.Context, eng *engine.Engine, which *choice, by engine.By) error {
	ids, err := which.find(ctx, eng)
	if err != nil {
		return err
	}
	r := deadResult{Verb: "requeued"}
	said := time.Now()
	err = a.each(ctx, ids, func(ctx context.Context, id engine.ID) error {
		err := eng.Requeue(ctx, id, by)
		if errors.Is(err, engine.ErrNotDead) && which.all {
			r.Passed++
			return nil
		}
		if err == nil {
			r.Done++
		}
		a.soFar(&said, r.Done, len(ids))
		return err
	})
	if err != nil && r.Done == 0 {
		return err
	}
	return errors.Join(a.result(r), err)
}

func (a *app) purgeCommand() *cobra.Command {
	var who operator
	var which choice
	var yes bool
	c := &cobra.Command{
		Use: "purge [ID...] --yes --reason TEXT", Short: "Remove dead tasks for good",
		Long: "Without --yes nothing is changed: it tells how many it would remove. The history goes on telling\n" +
			"that they were, what became of them, and who purged them.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := which.read(args); err != nil {
				return err
			}
			by, err := who.by()
			if err != nil && yes {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error {
				ids, err := which.find(cmd.Context(), eng)
				switch {
				case err != nil:
					return err
				case yes:
					return a.purge(cmd.Context(), eng, ids, by)
				}
				return a.wouldPurge(cmd.Context(), eng, ids, which.all)
			})
		},
	}
	which.flags(a, c)
	who.flags(c)
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	return c
}

func (a *app) purge(ctx context.Context, eng *engine.Engine, ids []engine.ID, by engine.By) error {
	r := deadResult{Verb: "purged"}
	said := time.Now()
	var failed error
	for at := 0; at < len(ids) && failed == nil; at += purgePage {
		page := ids[at:min(at+purgePage, len(ids))]
		c, cancel := context.WithTimeout(ctx, patience)
		n, err := eng.Purge(c, page, by)
		cancel()
		r.Done, r.Passed, failed = r.Done+n, r.Passed+len(page)-n, err
		a.soFar(&said, r.Done, len(ids))
	}
	if failed != nil {
		r.Passed = 0 // nobody knows
	}
	return errors.Join(a.result(r), failed)
}

// wouldPurge is the dry run.
func (a *app) wouldPurge(ctx context.Context, eng *engine.Engine, ids []engine.ID, listed bool) error {
	n := len(ids)
	if !listed {
		n = 0
		for _, id := range ids {
			st, err := eng.State(ctx, id)
			if err != nil {
				return err
			}
			if st.State == task.Dead {
				n++
			}
		}
	}
	if a.json {
		return a.printJSON(deadResult{Verb: "purge", Would: &n})
	}
	a.printf("would purge %s; nothing was changed\n", count(n, "dead task"))
	fmt.Fprintf(a.err, "hint: add --yes --reason TEXT to do it\n")
	return nil
}
