package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// logFilter is what the flags of log ask for.
type logFilter struct {
	stretch
	queues, types, kinds, states, ids  []string
	consumers, actors, versions, hosts []string
	headers                            map[string]string
	key, failed                        string
	sample                             float64
}

func (l *logFilter) flags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.from, "from", "", "from this `MOMENT` on")
	f.StringVar(&l.to, "to", "", "before this time, or up to this lsn `MOMENT`")
	f.StringSliceVar(&l.queues, "queue", nil, "only of these queues `NAME,…`")
	_ = c.RegisterFlagCompletionFunc("queue", a.completeQueues)
	f.StringSliceVar(&l.types, "type", nil, "only about tasks of these types `NAME,…`")
	f.StringSliceVar(&l.ids, "id", nil, "only about these tasks `ID,…`")
	f.StringSliceVar(&l.kinds, "kind", nil, "only events of these kinds `KIND,…`")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(tailKinds(), cobra.ShellCompDirectiveNoFileComp))
	f.StringSliceVar(&l.states, "state", nil, "only events that put a task into one of these states `STATE,…`")
	f.StringVar(&l.failed, "error", "", "only errors that contain this `TEXT`")
	l.whereFlags(f)
	f.StringSliceVar(&l.actors, "actor", nil, "only what these operators did `NAME,…`")
	f.StringToStringVar(&l.headers, "header", nil, "only about tasks with these headers `NAME=VALUE,…`")
	f.Float64Var(&l.sample, "sample", 0, "only this fraction of the tasks, in every run the same, as 0.01")
}

// whereFlags ask who ran it, and for which key.
func (l *logFilter) whereFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&l.consumers, "consumer", nil, "only what these consumers settled, lost or took over `NAME,…`")
	f.StringSliceVar(&l.versions, "version", nil, "only what programs of these versions settled `VERSION,…`")
	f.StringSliceVar(&l.hosts, "host", nil, "only what ran on these hosts `NAME,…`")
	f.StringVar(&l.key, "key", "", "only about tasks with this idempotency `KEY`")
}

// filter reads the flags before anything is asked.
func (l *logFilter) filter(now time.Time) (f replay.Filter, err error) {
	f = replay.Filter{
		Error: l.failed, Consumers: l.consumers, Versions: l.versions, Hosts: l.hosts, Actors: l.actors, Headers: l.headers, Key: l.key, Sample: l.sample,
	}
	if f.Queues, err = names[task.Queue]("queue", l.queues); err != nil {
		return f, err
	}
	if f.Types, err = names[task.Type]("type", l.types); err != nil {
		return f, err
	}
	if f.IDs, err = parseIDs(l.ids); err != nil {
		return f, err
	}
	kinds, err := parseKinds(l.kinds)
	if err != nil {
		return f, err
	}
	for k := range kinds {
		f.Kinds = append(f.Kinds, k)
	}
	if f.States, err = parseStates(l.states); err != nil {
		return f, err
	}
	return f, l.narrow(&f, now)
}

func parseStates(words []string) (states []task.State, err error) {
	for _, w := range words {
		s, err := task.ParseState(w)
		if err != nil || s == task.None || s == task.Running {
			return nil, usage(fmt.Errorf("--state %q: want %s", clip(w, 40), strings.Join(logStates(), ", ")))
		}
		states = append(states, s)
	}
	return states, nil
}

// logStates are the states that an event puts a task into.
func logStates() (words []string) {
	for _, s := range task.States() {
		if s != task.None && s != task.Running {
			words = append(words, s.String())
		}
	}
	return words
}
