package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// tailIdle is the pause after a look that found nothing, tailQueues how often
// new queues are looked for.
const (
	tailIdle   = 200 * time.Millisecond
	tailQueues = 2 * time.Second
)

// tailKinds are the words of --kind.
func tailKinds() []string {
	var words []string
	for _, k := range task.Kinds() {
		words = append(words, k.String())
	}
	return words
}

func (a *app) tailCommand() *cobra.Command {
	var queue, typ, from string
	var kinds []string
	c := &cobra.Command{
		Use: "tail", Short: "Follow the log, one line an event, until interrupted", Args: cobra.NoArgs,
		Long: "Prints every event of the log as it is written, in the order of each partition. A delivery is no\n" +
			"event. --from names where to begin: end (what comes from now on), start, the lsn of an event, or\n" +
			"the position ms-lsn of one. With --type, events that name no task are left out. An interrupt is\n" +
			"the ordinary end: exit code 0.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := narrow(queue, typ, 0)
			if err != nil {
				return err
			}
			t := &tail{app: a, filter: f, types: map[task.ID]task.Type{}, at: map[tailPart]task.Position{}}
			if t.kinds, err = parseKinds(kinds); err != nil {
				return err
			}
			if t.from, err = parseFrom(from); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return t.run(cmd.Context(), eng.Log()) })
		},
	}
	a.queueFlag(c, &queue)
	c.Flags().StringVar(&typ, "type", "", "only tasks of this type `NAME`")
	c.Flags().StringSliceVar(&kinds, "kind", nil, "only events of these kinds `KIND,…`")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(tailKinds(), cobra.ShellCompDirectiveNoFileComp))
	c.Flags().StringVar(&from, "from", "end", "end, start, an lsn or a position `WHERE`")
	_ = c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions([]string{"start", "end"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func parseKinds(words []string) (map[task.Kind]bool, error) {
	kinds := map[task.Kind]bool{}
	for _, w := range words {
		k := task.ParseKind(w)
		if k == task.Unknown && w != k.String() {
			return nil, usage(fmt.Errorf("--kind %q: want %s", clip(w, 40), strings.Join(tailKinds(), ", ")))
		}
		kinds[k] = true
	}
	return kinds, nil
}

// tailFrom is where to begin in partitions that are there at the start.
type tailFrom struct {
	end   bool          // behind the last entry
	after task.Position // zero: from the first
	lsn   int64         // leave out what is below, in every partition
}

func parseFrom(s string) (tailFrom, error) {
	switch s {
	case "end":
		return tailFrom{end: true}, nil
	case "start":
		return tailFrom{}, nil
	}
	if at, err := task.ParsePosition(s); err == nil {
		return tailFrom{after: task.Position{Ms: at.Ms, LSN: max(at.LSN-1, 0)}}, nil
	}
	at, err := task.ParsePosition("0-" + s)
	if err != nil {
		return tailFrom{}, usage(fmt.Errorf("--from %q: want end, start, an lsn such as 4711, or a position such as 1700000000000-4711", clip(s, 40)))
	}
	return tailFrom{lsn: at.LSN}, nil
}

// begin is the position after which a partition is read first.
func (f tailFrom) begin(ctx context.Context, log *streams.Reader, p tailPart) (task.Position, error) {
	if f.end {
		return log.End(ctx, p.queue, p.n)
	}
	return f.after, nil
}
