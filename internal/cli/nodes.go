package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
)

func (a *app) nodesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "nodes", Short: "List the nodes that work", Args: cobra.NoArgs,
		Long: "One line a node, as it describes itself every few seconds. One that was killed stays on the list\n" +
			"for three of its heartbeats. Its consumers are the names that the history knows it by.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.brief(cmd.Context(), a.nodes) },
	}
}

func (a *app) nodes(ctx context.Context, eng *engine.Engine) error {
	nodes, err := eng.Log().Nodes(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	t := a.newTable("NODE", "HOST", "PID>", "UPTIME>", "RUNNING>", "QUEUES", "CONSUMERS")
	for i := range nodes {
		n := &nodes[i]
		if a.json {
			if err := a.printJSON(n); err != nil {
				return err
			}
			continue
		}
		t.row(n.Name, n.Host, strconv.Itoa(n.PID), short(max(now.Sub(n.Started), 0)), strconv.Itoa(n.Running), concurrency(n), strings.Join(n.Holds, " "))
	}
	t.flush()
	if len(nodes) == 0 && !a.json {
		a.printf("no node is running\n")
	}
	return nil
}

// concurrency lists queue=n, by name.
func concurrency(n *streams.Node) string {
	var all []string
	for _, q := range slices.Sorted(maps.Keys(n.Queues)) {
		all = append(all, fmt.Sprintf("%s=%d", q, n.Queues[q]))
	}
	return strings.Join(all, " ")
}

// places tells where the consumers of running nodes live: name → host/pid.
type places map[string]string

func newPlaces(nodes []streams.Node) places {
	p := places{}
	for i := range nodes {
		for _, c := range nodes[i].Holds {
			p[c] = fmt.Sprintf("%s/%d", nodes[i].Host, nodes[i].PID)
		}
	}
	return p
}

// name is a consumer with its place, if that is known.
func (p places) name(consumer string) string {
	if at, ok := p[consumer]; ok {
		return fmt.Sprintf("%s (%s)", consumer, at)
	}
	return consumer
}
