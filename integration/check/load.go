package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/integration/history"
)

// Input is what a run left behind.
type Input struct {
	Run     history.Run
	Ops     map[string][]history.Op // by client
	Effects []history.Effect
	Faults  []history.Fault
	Clock   []history.Clock
	Rates   []history.Rate
	Parts   []Partition
}

// Partition is what was seen of one partition.
type Partition struct {
	Queue   string
	Number  int // in the namespace's registry
	Log     []history.Entry
	Orphans []history.Entry
	Live    *history.Live // nil: not read
}

// Dir reads a directory and judges it.
func Dir(dir string) (Report, error) {
	in, err := Load(dir)
	if err != nil {
		return Report{}, fmt.Errorf("check %s: %w", dir, err)
	}
	return Check(in), nil
}

// Load reads the files of a run.
func Load(dir string) (*Input, error) {
	in := &Input{Ops: map[string][]history.Op{}}
	if err := document(filepath.Join(dir, "run.json"), &in.Run); err != nil {
		return nil, err
	}
	return in, errors.Join(in.clients(dir), in.journal(dir), in.partitions(dir),
		collect(history.Read[history.Fault](filepath.Join(dir, "faults.jsonl")), &in.Faults),
		collect(history.Read[history.Clock](filepath.Join(dir, "clock.jsonl")), &in.Clock),
		collect(history.Read[history.Rate](filepath.Join(dir, "rate.jsonl")), &in.Rates))
}

func (in *Input) clients(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "ops-*.jsonl"))
	for _, path := range paths {
		var ops []history.Op
		err = errors.Join(err, collect(history.Read[history.Op](path), &ops))
		in.Ops[strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "ops-"), ".jsonl")] = ops
	}
	return err
}

// journal reads the effects. No file means that no handler ever ran.
func (in *Input) journal(dir string) error {
	err := collect(history.ReadEffects(filepath.Join(dir, "effects")), &in.Effects)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (in *Input) partitions(dir string) error {
	parts := map[string]*Partition{}
	for _, kind := range []string{"log", "orphans", "live"} {
		paths, err := filepath.Glob(filepath.Join(dir, kind+"-*.json*"))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := readPartition(parts, kind, path); err != nil {
				return err
			}
		}
	}
	for _, p := range parts {
		in.Parts = append(in.Parts, *p)
	}
	slices.SortFunc(in.Parts, func(a, b Partition) int { return a.Number - b.Number })
	return nil
}

// readPartition reads one file, named KIND-QUEUE-NUMBER.
func readPartition(parts map[string]*Partition, kind, path string) error {
	name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), kind+"-"), filepath.Ext(path))
	cut := strings.LastIndexByte(name, '-')
	n, err := strconv.Atoi(name[cut+1:])
	if cut < 0 || err != nil {
		return fmt.Errorf("%s: no partition in its name", path)
	}
	p := parts[name]
	if p == nil {
		p = &Partition{Queue: name[:cut], Number: n}
		parts[name] = p
	}
	switch kind {
	case "log":
		return collect(history.Read[history.Entry](path), &p.Log)
	case "orphans":
		return collect(history.Read[history.Entry](path), &p.Orphans)
	default:
		p.Live = new(history.Live)
		return document(path, p.Live)
	}
}

func collect[T any](from iter.Seq2[T, error], to *[]T) error {
	for v, err := range from {
		if err != nil {
			return err
		}
		*to = append(*to, v)
	}
	return nil
}

func document(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
