package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill/replay"
)

// loadCursor reads a cursor. One that is not there yet begins at the start.
func loadCursor(file string) (replay.Cursor, error) {
	if file == "" {
		return replay.Cursor{}, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return replay.Cursor{}, nil
	}
	if err != nil {
		return nil, failure(exitData, "", "--cursor: %w", err)
	}
	c, err := replay.ParseCursor(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, failure(exitData, "a cursor is a file that replay run wrote", "--cursor %s: %w", file, err)
	}
	return c, nil
}

// saveCursor writes the file as a whole or not at all.
func saveCursor(file string, c replay.Cursor) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".cursor-*")
	if err != nil {
		return fmt.Errorf("--cursor: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(c.String() + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("--cursor: %w", err)
	}
	return nil
}
