package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Result is one figure of one peer.
type Result struct {
	Peer     string  `json:"peer"`
	Version  string  `json:"version"`
	Settings string  `json:"settings"`
	Scenario string  `json:"scenario"`
	Metric   string  `json:"metric"`
	Unit     string  `json:"unit"`
	Value    float64 `json:"value"` // median of the rounds
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Rounds   int     `json:"rounds"`
	Tasks    int     `json:"tasks"` // of a round
}

// noisy is the spread over which medians are not ranked, that of tidemill bench: the
// rounds differ by more than their median.
const noisy = 1.0

// ranks is false for what is too noisy to be ranked, or was measured once.
func (r *Result) ranks() bool {
	return r.Rounds > 1 && r.Max-r.Min <= noisy*math.Abs(r.Value)
}

// figure is the median, marked where it ranks nothing.
func (r *Result) figure() string {
	if r.ranks() {
		return figure(r.Value)
	}
	return noRank + figure(r.Value)
}

// noRank stands before figures that rank nothing.
const noRank = "~ "

// Missing is a figure, or a whole peer, that there is not.
type Missing struct {
	Peer     string `json:"peer"`
	Scenario string `json:"scenario,omitempty"` // "": all
	Reason   string `json:"reason"`
}

// options of a run.
type options struct {
	peers     []string // names, or parts of them; nil: all
	scenarios []string // parts of names; nil: all
	rounds    int
	size      size
	render    string // a JSON file to write tables of; "": measure
	progress  func(format string, a ...any)
}

// contestant is a peer that is there.
type contestant struct {
	*peer
	version string
}

// bench is one run.
type bench struct {
	opts options
	pg   cluster
	rep  *Report
}

// run measures all peers in all scenarios, in turns: A B C A B C.
func (b *bench) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, b.pg.stop()) }()
	there := b.contestants(ctx)
	for _, s := range scenarios {
		if !matches(s.Name, b.opts.scenarios) {
			continue
		}
		if err := b.scenario(ctx, s, there); err != nil {
			return err
		}
	}
	return nil
}

// contestants are the peers that were asked for and are installed.
func (b *bench) contestants(ctx context.Context) []contestant {
	var there []contestant
	for _, p := range peers {
		if !matches(p.name, b.opts.peers) {
			continue
		}
		v, err := p.describe(ctx)
		if err != nil {
			b.miss(p, "", err)
			continue
		}
		there = append(there, contestant{p, v})
		b.rep.Peers = append(b.rep.Peers, Peer{Name: p.name, Version: v, Settings: p.settings})
	}
	return there
}

func (p *peer) describe(ctx context.Context) (string, error) {
	if p.version == nil {
		return moduleVersion(p.module), nil
	}
	return p.version(ctx)
}

func (b *bench) miss(p *peer, scenario string, err error) {
	m := Missing{Peer: p.name, Scenario: scenario, Reason: strings.ReplaceAll(err.Error(), "\n", "; ")}
	b.rep.Missing = append(b.rep.Missing, m)
	b.opts.progress("  missing: %s: %s", m.Peer, m.Reason)
}

// scenario runs the rounds. A peer that fails once is out of it; only the end
// of ctx ends the run.
func (b *bench) scenario(ctx context.Context, s scenario, there []contestant) error {
	var in []contestant
	for _, c := range there {
		if matches(s.Name, c.only) {
			in = append(in, c)
		}
	}
	got := map[string]map[string][]float64{}
	for round := range b.opts.rounds {
		for _, c := range slices.Clone(in) {
			f, err := b.round(ctx, c.peer, s)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				b.miss(c.peer, s.Name, err)
				in = slices.DeleteFunc(in, func(o contestant) bool { return o.peer == c.peer })
				continue
			}
			b.opts.progress("%s: round %d of %d: %s: %s", s.Name, round+1, b.opts.rounds, c.name, f)
			if got[c.name] == nil {
				got[c.name] = map[string][]float64{}
			}
			for m, v := range f {
				got[c.name][m] = append(got[c.name][m], v)
			}
		}
	}
	for _, c := range in {
		b.rep.Results = append(b.rep.Results, c.results(s, b.opts.size.tasks(s, c.scale), got[c.name])...)
	}
	return nil
}

// round is one measurement of one peer, on a server of its own.
func (b *bench) round(ctx context.Context, p *peer, s scenario) (f figures, err error) {
	limit := b.opts.size.Limit
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("a round took more than %v", limit))
	defer cancel()
	w, err := newWorld(limited, p, s, b.opts.size, &b.pg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close(context.WithoutCancel(ctx))) }()
	if s.Kind == space {
		return probeSpace(limited, p, w)
	}
	if p.driver != nil {
		return p.driver.measure(limited, w)
	}
	q, err := p.open(limited, w)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.close()) }()
	return probe(limited, w, q)
}

// results are the medians of what the rounds measured.
func (c contestant) results(s scenario, tasks int, got map[string][]float64) []Result {
	var all []Result
	for _, m := range s.Kind.metrics() {
		v := slices.Sorted(slices.Values(got[m.name]))
		if len(v) == 0 {
			continue
		}
		all = append(all, Result{
			Peer: c.name, Version: c.version, Settings: c.settings, Scenario: s.Name, Metric: m.name, Unit: m.unit,
			Value: median(v), Min: v[0], Max: v[len(v)-1], Rounds: len(v), Tasks: tasks,
		})
	}
	return all
}

// median of a sorted list.
func median(v []float64) float64 {
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

// matches tells whether the name contains one of the parts; no parts match all.
func matches(name string, parts []string) bool {
	return len(parts) == 0 || slices.ContainsFunc(parts, func(p string) bool {
		return strings.Contains(strings.ToLower(name), strings.ToLower(p))
	})
}
