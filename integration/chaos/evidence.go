package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
)

// evidence is what runs found: the raw results that docs/EVIDENCE.md is written
// from. Results of another commit stay until the same run is made again.
type evidence struct {
	Machine   string            `json:"machine"`
	Updated   string            `json:"updated"`
	Soak      []result          `json:"soak"`
	Catalogue map[string]result `json:"catalogue"` // by fault, topology and durability
	Bugs      []caught          `json:"bugs"`
}

// keep notes the run of one fault by itself.
func (e *evidence) keep(fault string, r result) {
	if e.Catalogue == nil {
		e.Catalogue = map[string]result{}
	}
	e.Catalogue[fault+" "+r.Topology+" "+r.Durability] = r
}

func evidencePath(root string) string {
	return filepath.Join(root, "integration", "results", "evidence.json")
}

// saving guards the file against two runs of one process.
var saving sync.Mutex

// save changes the evidence on disk.
func save(root string, change func(*evidence)) error {
	saving.Lock()
	defer saving.Unlock()
	e, err := loadEvidence(root)
	if err != nil {
		return err
	}
	change(e)
	e.Machine, e.Updated = machine(), time.Now().UTC().Format("2006-01-02")
	b, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(evidencePath(root)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(evidencePath(root), append(b, '\n'), 0o644)
}

func loadEvidence(root string) (*evidence, error) {
	e := &evidence{}
	b, err := os.ReadFile(evidencePath(root))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("%s: %w", evidencePath(root), err)
	}
	return e, nil
}

//go:embed evidence.md.tmpl
var evidenceTemplate string

// render writes the page. Nothing that was run is no evidence.
func render(e *evidence) (string, error) {
	if len(e.Soak) == 0 || len(e.Bugs) == 0 || len(e.Catalogue) == 0 {
		return "", fmt.Errorf("%w: no results of soak, bugs or all: nothing to write down", errUsage)
	}
	t, err := template.New("evidence").Funcs(template.FuncMap{"join": strings.Join}).Parse(evidenceTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"E": e, "Total": sum(e.Soak), "Levels": byLevel(e.Soak), "Faults": byFault(e), "Seeds": seeds(e.Soak), "Commits": commits(e.Soak), "Catalogue": catalogue, "Track": track,
	})
	return b.String(), err
}

// total adds runs up.
type total struct {
	Name                                                        string
	Runs, Injected, Attempted, Acknowledged, Lost, LostReported int
	Taken, Recovered, Unexpected, EndedTwice, Early, Again      int
	Unexplained, Stale, Reclaimed, Violations                   int
	Seconds                                                     float64
	RecoveryP50, RecoveryP99, RecoveryMax, LateP99              int64
}

func sum(runs []result) (t total) {
	for i := range runs {
		t.add(&runs[i])
	}
	return t
}

func (t *total) add(r *result) {
	p := &r.Report
	t.Runs++
	t.Seconds += r.Seconds
	for _, n := range r.Faults {
		t.Injected += n
	}
	for _, n := range p.ExecutedAgain {
		t.Again += n
	}
	t.Attempted += p.Attempted
	t.Acknowledged += p.Acknowledged
	t.Lost += p.Lost
	t.LostReported += p.LostReported
	t.Taken += p.Taken
	t.Recovered += p.Recovered
	t.Unexpected += p.Unexpected
	t.EndedTwice += p.EndedTwice
	t.Early += p.Early
	t.Unexplained += p.Unexplained
	t.Stale += p.StaleRefused
	t.Reclaimed += p.Reclaimed
	for _, n := range p.Broken {
		t.Violations += n
	}
	t.RecoveryP50 = max(t.RecoveryP50, p.RecoveryMs.P50)
	t.RecoveryP99 = max(t.RecoveryP99, p.RecoveryMs.P99)
	t.RecoveryMax = max(t.RecoveryMax, p.RecoveryMs.Max)
	t.LateP99 = max(t.LateP99, p.LatenessMs.P99)
}

// grouped adds runs up by a name, in the order of names.
func grouped(runs []result, name func(*result) string) (out []total) {
	groups := map[string]*total{}
	for i := range runs {
		n := name(&runs[i])
		if groups[n] == nil {
			groups[n] = &total{Name: n}
		}
		groups[n].add(&runs[i])
	}
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, *groups[n])
	}
	return out
}

// byLevel tells apart what is promised differently.
func byLevel(runs []result) []total {
	return grouped(runs, func(r *result) string {
		name := r.Topology + ", " + r.Durability
		for _, f := range []string{"power-loss", "flushall"} {
			if r.Faults[f] > 0 {
				return name + ", with faults that lose"
			}
		}
		return name
	})
}

// byFault is the catalogue's runs, and how often the soak made each.
func byFault(e *evidence) (out []faultLine) {
	often := map[string]int{}
	for _, r := range e.Soak {
		for f, n := range r.Faults {
			often[f] += n
		}
	}
	for i := range faults {
		f := &faults[i]
		l := faultLine{Name: f.name, About: f.about, Covers: f.covers, Soak: often[f.name]}
		var alone []result
		for key, r := range e.Catalogue {
			if strings.HasPrefix(key, f.name+" ") {
				alone = append(alone, r)
			}
		}
		l.Alone, l.Commit = sum(alone), commits(alone)
		out = append(out, l)
	}
	return out
}

type faultLine struct {
	Commit              string
	Name, About, Covers string
	Soak                int
	Alone               total
}

// commits are those that the runs were of.
func commits(runs []result) string {
	seen := map[string]bool{}
	for _, r := range runs {
		seen[r.Commit] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

// seeds lists what makes a run again, by setting.
func seeds(runs []result) (out []string) {
	all := map[string][]string{}
	for _, r := range runs {
		all[r.again()] = append(all[r.again()], fmt.Sprint(r.Seed))
	}
	for _, command := range slices.Sorted(maps.Keys(all)) {
		out = append(out, fmt.Sprintf("`%s` with SEED=%s", command, strings.Join(all[command], ", ")))
	}
	return out
}

// again is the command that makes a run of the soak again, but for its seed.
func (r *result) again() string {
	for _, s := range rotation {
		o := options{topology: s.topology, persistence: s.persistence, replicated: s.replicated}
		_, named := r.Faults[cmp.Or(slices.Concat(s.faults, []string{""})...)]
		if o.topology == r.Topology && o.durability() == r.Durability && named == (len(s.faults) > 0) {
			command := fmt.Sprintf("make chaos FOR=60s TOPOLOGY=%s PERSISTENCE=%s", s.topology, s.persistence)
			if len(s.faults) > 0 {
				command += " FAULTS=" + strings.Join(s.faults, ",")
			}
			if s.replicated || s.retention != 0 {
				command = fmt.Sprintf("go run ./integration/chaos run -for 60s -topology %s -persistence %s -replicated=%t -retention %s",
					s.topology, s.persistence, s.replicated, cmp.Or(s.retention, retention))
			}
			return command
		}
	}
	return "?"
}

// The short form stands in the README between these lines.
const shortBegin, shortEnd = "<!-- evidence: written by make evidence -->\n", "<!-- /evidence -->\n"

// intoReadme writes the short form.
func intoReadme(path string, e *evidence) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), shortBegin)
	_, after, closed := strings.Cut(rest, shortEnd)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the evidence", path)
	}
	return os.WriteFile(path, []byte(before+shortBegin+short(e)+shortEnd+after), 0o644)
}

// short is the evidence in a few lines.
func short(e *evidence) string {
	t, noticed := sum(e.Soak), 0
	for _, b := range e.Bugs {
		if b.Caught {
			noticed++
		}
	}
	return fmt.Sprintf(`%d runs under faults, %.0f minutes of load, %d faults that bit, %d acknowledged tasks:
**%d lost, %d ended twice, %d early, %d executed again without a cause.** %d more were forgotten by Redis itself, as their level of
durability allows, and each of them was reported. %d of %d bugs that were put in on purpose are noticed.
`, t.Runs, t.Seconds/60, t.Injected, t.Acknowledged, t.Lost, t.EndedTwice, t.Early, t.Unexplained, t.LostReported, noticed, len(e.Bugs))
}
