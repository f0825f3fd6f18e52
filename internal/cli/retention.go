package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// retentionLine is what is set for one partition; what is not set is as its nodes say.
type retentionLine struct {
	Queue     task.Queue `json:"queue"`
	Partition int        `json:"partition"`
	AgeMs     *int64     `json:"age_ms"`
	Bytes     *int64     `json:"bytes"`
	DeadMs    *int64     `json:"dead_ms"`
}

// retentionFlags are what is to be set.
type retentionFlags struct {
	age, dead time.Duration
	bytes     string
	back      bool // to what the nodes say
}

func (a *app) retentionCommand() *cobra.Command {
	var who operator
	var f retentionFlags
	c := &cobra.Command{
		Use: "retention QUEUE", Short: "Show or set how much history a queue keeps", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeQueues,
		Long: "Without flags it shows what is set. What is not set is as the nodes say that work on the queue, by default\n" +
			"24h and 256 MiB a partition, and 30 days of dead tasks. Flags set what they name and leave the rest. What is\n" +
			"pending, waiting, held or not archived yet is never trimmed, whatever the retention.",
		Example: "  tidemill retention mail --age 720h --bytes 1GiB --reason \"policy 12\"\n  tidemill retention mail --default --reason \"policy 13\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := task.Queue(args[0])
			if err := task.ValidName("queue", args[0]); err != nil {
				return err
			}
			set, err := f.changes(cmd)
			if err != nil {
				return err
			}
			var by engine.By
			if set != nil {
				if by, err = who.by(); err != nil {
					return err
				}
			}
			return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error { return a.retention(ctx, eng, q, set, by) })
		},
	}
	c.Flags().DurationVar(&f.age, "age", 0, "keep the log so long, as `720h`")
	c.Flags().StringVar(&f.bytes, "bytes", "", "keep so much of it a partition, as `1GiB`")
	c.Flags().DurationVar(&f.dead, "dead", 0, "keep dead tasks so long, as `720h`")
	c.Flags().BoolVar(&f.back, "default", false, "as the nodes say")
	who.flags(c)
	return c
}

// changes is what the flags do to what is set; nil where they name nothing.
func (f *retentionFlags) changes(cmd *cobra.Command) (func(*engine.Retention), error) {
	age, size, dead := cmd.Flags().Changed("age"), cmd.Flags().Changed("bytes"), cmd.Flags().Changed("dead")
	named := age || size || dead
	n, err := parseBytes(f.bytes)
	switch {
	case size && err != nil:
		return nil, usage(fmt.Errorf("--bytes %q: %w", clip(f.bytes, 40), err))
	case age && f.age < time.Millisecond, dead && f.dead < time.Millisecond:
		return nil, usage(errors.New("--age and --dead want at least 1ms"))
	case f.back && named:
		return nil, usage(errors.New("--default takes all back: it goes alone"))
	case f.back:
		return func(r *engine.Retention) { *r = engine.Retention{} }, nil
	case !named:
		return nil, nil
	}
	return func(r *engine.Retention) {
		if age {
			r.Age = f.age.Truncate(time.Millisecond)
		}
		if size {
			r.Bytes = n
		}
		if dead {
			r.Dead = f.dead.Truncate(time.Millisecond)
		}
	}, nil
}

func (a *app) retention(ctx context.Context, eng *engine.Engine, q task.Queue, change func(*engine.Retention), by engine.By) error {
	all, err := eng.Retention(ctx, q)
	if err != nil {
		return err
	}
	if change != nil {
		next := all[0]
		change(&next)
		if err := eng.SetRetention(ctx, q, next, by); err != nil {
			return err
		}
		if all, err = eng.Retention(ctx, q); err != nil {
			return err
		}
	}
	t := a.newTable("QUEUE", "PARTITION>", "AGE", "BYTES", "DEAD")
	for i, r := range all {
		if a.json {
			l := retentionLine{q, i, positive(r.Age.Milliseconds()), positive(r.Bytes), positive(r.Dead.Milliseconds())}
			if err := a.printJSON(l); err != nil {
				return err
			}
			continue
		}
		t.row(string(q), strconv.Itoa(i), asSet(r.Age > 0, r.Age.String()), asSet(r.Bytes > 0, bytesOf(r.Bytes)), asSet(r.Dead > 0, r.Dead.String()))
	}
	t.flush()
	return nil
}

func positive(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func asSet(set bool, text string) string {
	if !set {
		return "as the nodes say"
	}
	return text
}

// sizeUnits are those that parseBytes reads, by what stands behind the number.
var sizeUnits = map[string]int64{"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

// parseBytes reads 512MiB, 1.5 GiB or a plain number of bytes.
func parseBytes(s string) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
	n, err := strconv.ParseFloat(s[:digits], 64)
	unit, ok := sizeUnits[strings.ToUpper(strings.TrimSpace(s[digits:]))]
	if n *= float64(unit); err != nil || !ok || n < 1 || n > math.MaxInt64/2 {
		return 0, errors.New("want a number of bytes, as 1GiB or 500MB")
	}
	return int64(n), nil
}
