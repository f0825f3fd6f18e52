package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
)

// Lines appends values to a file, one JSON line in one write, so that a killed
// process leaves whole lines and at most one cut one at the end.
type Lines struct {
	mu sync.Mutex
	f  *os.File
}

// Append opens a file for appending.
func Append(path string) (*Lines, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &Lines{f: f}, err
}

// Write appends one value.
func (l *Lines) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.f.Write(append(b, '\n'))
	return err
}

// Close closes the file.
func (l *Lines) Close() error { return l.f.Close() }

// Read reads the values of a file written by [Lines]. A cut last line, which a
// killed process left, is passed over; a file that is not there is empty.
func Read[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var v T
		f, err := os.Open(path)
		if os.IsNotExist(err) {
			return
		}
		if err != nil {
			yield(v, err)
			return
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 1<<20)
		for n := 1; ; n++ {
			line, err := r.ReadBytes('\n')
			if err == io.EOF {
				return
			}
			v = *new(T)
			if err == nil {
				err = json.Unmarshal(line, &v)
			}
			if err != nil {
				err = fmt.Errorf("%s line %d: %w", path, n, err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}
