package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

func (a *app) holdCommand() *cobra.Command {
	var who operator
	var queue, from string
	c := &cobra.Command{
		Use: "hold NAME --from MOMENT --reason TEXT", Short: "Keep a range of the history, whatever the retention", Args: cobra.ExactArgs(1),
		Long: "Trim removes nothing from that moment on until the hold is released, in every partition of the queue, or of\n" +
			"all queues there are now. It says where it really begins: what was trimmed before is gone. While it lasts\n" +
			"the log grows, and memory alone bounds it.\n\n" + momentHelp,
		Example: "  tidemill hold case-4711 --queue mail --from 2026-12-01 --reason \"letter of the court\"\n" +
			"  tidemill hold ls\n  tidemill hold release case-4711 --reason \"case closed\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				return &exitError{code: exitUsage, err: errors.New("--from is required"), hint: "say from when on: --from 2026-12-01, or 1h for an hour ago"}
			}
			m, err := parseMoment("from", from, time.Now())
			if err != nil {
				return err
			}
			return a.holding(cmd, &who, args[0], queue, func(ctx context.Context, eng *engine.Engine, queues []task.Queue, by engine.By) error {
				return a.hold(ctx, eng, args[0], queues, engine.HoldFrom{Time: m.Time, LSN: m.LSN}, by)
			})
		},
	}
	who.flags(c)
	a.holdQueueFlag(c, &queue)
	c.Flags().StringVar(&from, "from", "", "the `MOMENT` it begins (required)")
	c.AddCommand(a.holdListCommand(), a.holdReleaseCommand())
	return c
}

func (a *app) holdReleaseCommand() *cobra.Command {
	var who operator
	var queue string
	c := &cobra.Command{
		Use: "release NAME --reason TEXT", Short: "Let trim go by the retention again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.holding(cmd, &who, args[0], queue, func(ctx context.Context, eng *engine.Engine, queues []task.Queue, by engine.By) error {
				return a.holdRelease(ctx, eng, args[0], queues, by)
			})
		},
	}
	who.flags(c)
	a.holdQueueFlag(c, &queue)
	return c
}

func (a *app) holdListCommand() *cobra.Command {
	var queue string
	c := &cobra.Command{
		Use: "ls", Short: "List the holds; audit who tells the reasons", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error { return a.holds(ctx, eng, queue) })
		},
	}
	a.holdQueueFlag(c, &queue)
	return c
}

func (a *app) holdQueueFlag(c *cobra.Command, queue *string) {
	c.Flags().StringVar(queue, "queue", "", "of this `QUEUE` alone (default: all)")
	_ = c.RegisterFlagCompletionFunc("queue", a.completeQueues) // fails only where the flag does not exist
}

// holding checks what a hold and its release are given, and opens an engine.
func (a *app) holding(cmd *cobra.Command, who *operator, name, queue string, do func(context.Context, *engine.Engine, []task.Queue, engine.By) error) error {
	if err := task.ValidName("hold", name); err != nil {
		return err
	}
	by, err := who.by()
	if err != nil {
		return err
	}
	return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error {
		queues, err := oneOrAll(ctx, eng, queue)
		if err != nil {
			return err
		}
		return do(ctx, eng, queues, by)
	})
}

// oneOrAll are the queues that a flag means.
func oneOrAll(ctx context.Context, eng *engine.Engine, queue string) ([]task.Queue, error) {
	if queue != "" {
		return []task.Queue{task.Queue(queue)}, nil
	}
	all, err := eng.Log().Queues(ctx)
	return slices.Sorted(maps.Keys(all)), err
}

func (a *app) hold(ctx context.Context, eng *engine.Engine, name string, queues []task.Queue, from engine.HoldFrom, by engine.By) error {
	if from.LSN != 0 && len(queues) != 1 {
		return usage(fmt.Errorf("--from %d: an lsn is of one partition: name its --queue, or give a time", from.LSN))
	}
	for _, q := range queues {
		holds, err := eng.Hold(ctx, name, q, from, by)
		for _, h := range holds {
			if err := a.held(&h); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) held(h *engine.Hold) error {
	if a.json {
		return a.printJSON(h)
	}
	a.printf("%s holds %s/%d from lsn %d, %s", h.Name, h.Queue, h.Partition, h.From.LSN, stampMs(h.From.Ms))
	if h.Begins {
		a.printf(": what was before is trimmed")
	}
	a.printf("\n")
	return nil
}

// holdRelease ends a hold wherever it is; nowhere is an error.
func (a *app) holdRelease(ctx context.Context, eng *engine.Engine, name string, queues []task.Queue, by engine.By) error {
	var ended []task.Queue
	for _, q := range queues {
		err := eng.EndHold(ctx, name, q, by)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		ended = append(ended, q)
	}
	if len(ended) == 0 {
		return failure(exitFailed, "tidemill hold ls lists the holds", "hold %s: %w", name, engine.ErrNotFound)
	}
	for _, q := range ended {
		if a.json {
			if err := a.printJSON(map[string]any{"name": name, "queue": q, "released": true}); err != nil {
				return err
			}
			continue
		}
		a.printf("%s released %s\n", name, q)
	}
	return nil
}

func (a *app) holds(ctx context.Context, eng *engine.Engine, queue string) error {
	queues, err := oneOrAll(ctx, eng, queue)
	if err != nil {
		return err
	}
	t := a.newTable("NAME", "QUEUE", "PARTITION>", "FROM LSN>", "FROM")
	for _, q := range queues {
		all, err := eng.Holds(ctx, q)
		if err != nil {
			return err
		}
		for i := range all {
			h := &all[i]
			if a.json {
				if err := a.printJSON(h); err != nil {
					return err
				}
				continue
			}
			t.row(h.Name, string(h.Queue), strconv.Itoa(h.Partition), num(h.From.LSN), stampMs(h.From.Ms))
		}
	}
	t.flush()
	return nil
}
