package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of [Run], to be told apart with errors.Is.
var (
	ErrUnknownScenario = errors.New("no such scenario")
	ErrNotEmpty        = errors.New("the namespace is not empty")
	ErrURL             = errors.New("want redis://, rediss:// or unix://")
)

// Options configure a run. The zero value measures everything on a server of its own.
type Options struct {
	URL       string   // of a Redis to measure; "": a throw-away server
	Namespace string   // where a run lives, empty before and after; default "bench"
	Scenarios []string // names or families, as in "drain/64" or "drain"; default all
	Quick     bool     // the quick scenarios, in less than a minute
	Rounds    int      // of each side; default 5; quick 3, fewer where time is short
	Tasks     int      // of a round, which others are in proportion to; default 100,000, quick 20,000
	// Worker is a command line that calls [Work] with the URL and the namespace,
	// which are appended, in a process that can be killed. Default: none, then
	// nothing that needs a kill is run.
	Worker   []string
	Progress func(Progress) // told before every round of a side
}

// Progress says what is measured next.
type Progress struct {
	Scenario       string
	Index, Of      int // of the scenario, from 1
	Round, Rounds  int // from 1
	Side           string
	Elapsed, Limit time.Duration // Limit 0: there is none
}

// quickLimit is what a quick run may take; a part of it is each scenario's.
const quickLimit = 48 * time.Second

func (o Options) withDefaults() Options {
	rounds, tasks := 5, 100_000
	if o.Quick {
		rounds, tasks = 3, 20_000
	}
	o.Rounds = cmp.Or(o.Rounds, rounds)
	o.Tasks = cmp.Or(o.Tasks, tasks)
	o.Namespace = cmp.Or(o.Namespace, "bench")
	return o
}

func (o Options) validate() error {
	if o.Rounds < 0 || o.Tasks < 0 {
		return fmt.Errorf("bench: %d rounds of %d tasks: negative", o.Rounds, o.Tasks)
	}
	return nil
}

// Run measures and returns what it measured, also beside an error: a run whose
// ctx ends has the scenarios until then. Errors: [ErrUnknownScenario],
// [ErrNotEmpty], [ErrURL], those of engine.Open, and ctx's.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	chosen, err := choose(o)
	if err != nil {
		return nil, err
	}
	l, err := newLab(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	all, err := l.measureAll(ctx, chosen)
	if closed := l.close(); err == nil && closed != nil {
		err = fmt.Errorf("bench: %w", closed)
	}
	return all, err
}

// Info describes a scenario.
type Info struct {
	Name  string
	About string
	Quick bool
}

// Scenarios lists those that exist, in the order of a run.
func Scenarios() []Info {
	var all []Info
	for _, s := range scenarios {
		all = append(all, Info{Name: s.name, About: s.about, Quick: s.quick})
	}
	return all
}

// choose picks the scenarios of a run. A name picks one, a family all of it;
// what is named is run in a quick run, too.
func choose(o Options) ([]scenario, error) {
	for _, name := range o.Scenarios {
		if !isScenario(name) {
			return nil, fmt.Errorf("bench: %w: %q", ErrUnknownScenario, name)
		}
	}
	var chosen []scenario
	for _, s := range scenarios {
		if len(o.Scenarios) == 0 && (s.quick || !o.Quick) || s.among(o.Scenarios) {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

func isScenario(name string) bool {
	for _, s := range scenarios {
		if s.among([]string{name}) {
			return true
		}
	}
	return false
}

func (s scenario) among(names []string) bool {
	family, _, _ := strings.Cut(s.name, "/")
	for _, n := range names {
		if n == s.name || n == family {
			return true
		}
	}
	return false
}
