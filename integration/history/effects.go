package history

import (
	"bufio"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
)

// Effects is the effects file, to which all workers append.
type Effects struct{ f *os.File }

// OpenEffects opens the file for appending.
func OpenEffects(path string) (*Effects, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &Effects{f: f}, err
}

// Write appends one line in one write: it is whole or not there, whatever
// happens to the process.
func (w *Effects) Write(e Effect) error {
	outcome := e.Outcome
	if outcome == "" {
		outcome = "-"
	}
	_, err := fmt.Fprintf(w.f, "%s %s %s %d %s %d %d %s\n", e.What, e.Tag, e.ID, e.Attempt, e.Node, e.T, e.WallMs, outcome)
	return err
}

// Close closes the file.
func (w *Effects) Close() error { return w.f.Close() }

// ReadEffects reads the file in the order of writing.
func ReadEffects(path string) iter.Seq2[Effect, error] {
	return func(yield func(Effect, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Effect{}, err)
			return
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		for n := 1; s.Scan(); n++ {
			e, err := parseEffect(s.Text())
			if err != nil {
				err = fmt.Errorf("%s line %d: %w", path, n, err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(Effect{}, err)
		}
	}
}

func parseEffect(line string) (Effect, error) {
	w := strings.Fields(line)
	if len(w) != 8 {
		return Effect{}, fmt.Errorf("%d words, want 8", len(w))
	}
	e := Effect{What: w[0], Tag: w[1], ID: w[2], Node: w[4], Outcome: w[7]}
	var err error
	if e.Attempt, err = strconv.Atoi(w[3]); err != nil {
		return e, err
	}
	if e.T, err = strconv.ParseInt(w[5], 10, 64); err != nil {
		return e, err
	}
	e.WallMs, err = strconv.ParseInt(w[6], 10, 64)
	return e, err
}
