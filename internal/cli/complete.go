package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// completePatience bounds what a press of the tab key may take.
const completePatience = time.Second

// completeQueues proposes the registered queues. Without a Redis there is
// nothing to propose, and nobody to tell.
func (a *app) completeQueues(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completePatience)
	defer cancel()
	log, err := streams.New(a.address(), streams.Options{Namespace: a.namespace})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer log.Close()
	queues, err := log.Queues(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for q := range queues {
		names = append(names, string(q))
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// queueFlag adds --queue, which narrows.
func (a *app) queueFlag(c *cobra.Command, q *string) {
	c.Flags().StringVar(q, "queue", "", "only this queue `NAME`")
	_ = c.RegisterFlagCompletionFunc("queue", a.completeQueues) // fails only where the flag does not exist
}

// narrow checks the words of --queue and --type before anything is asked.
func narrow(queue, typ string, limit int) (streams.Filter, error) {
	f := streams.Filter{Queue: task.Queue(queue), Type: task.Type(typ), Limit: limit}
	if limit < 0 {
		return f, usage(fmt.Errorf("--limit %d is negative", limit))
	}
	if queue != "" {
		if err := task.ValidName("queue", queue); err != nil {
			return f, err
		}
	}
	if typ != "" {
		if err := task.ValidName("type", typ); err != nil {
			return f, err
		}
	}
	return f, nil
}
