package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// sourceFlag adds --archive and --live.
func sourceFlag(c *cobra.Command) {
	sourceFlagOf(c, new(string), "ask this archive, a `DIR` or packed file, not Redis")
	c.Flags().Bool("live", false, "ask Redis too, for what the archive does not have yet")
}

// sourceFlagOf adds --archive with another meaning.
func sourceFlagOf(c *cobra.Command, dir *string, usage string) {
	c.Flags().StringVar(dir, "archive", "", usage)
	_ = c.MarkFlagDirname("archive") // fails only where the flag does not exist
}

// openSource opens the history that a command is about: an archive where
// --archive names one, else the log in Redis, or both. The caller closes.
func (a *app) openSource(cmd *cobra.Command) (replay.Source, io.Closer, error) {
	dir, _ := cmd.Flags().GetString("archive")
	live, _ := cmd.Flags().GetBool("live")
	if live && dir == "" {
		return nil, nil, usage(errors.New("--live wants --archive: without it Redis is asked"))
	}
	var ar *archive.Archive
	if dir != "" {
		var err error
		if ar, err = openArchive(cmd.Context(), dir); err != nil || !live {
			return ar, io.NopCloser(nil), err
		}
		if n := ar.Namespace(); n != a.namespace {
			return nil, nil, failure(exitData, "--namespace "+n, "the archive %s is of namespace %s, not %s", dir, n, a.namespace)
		}
	}
	eng, err := a.open(cmd.Context(), engine.Options{})
	if err != nil {
		return nil, nil, err
	}
	if ar == nil {
		return eng.Log(), eng, nil
	}
	return both{archive.Merge(ar, eng.Log()), eng.Log()}, eng, nil
}

// both is an archive and the log behind it, which knows the time.
type both struct {
	*archive.Merged
	log *streams.Reader
}

// Now is the time by the clock of Redis.
func (b both) Now(ctx context.Context) (time.Time, error) { return b.log.Now(ctx) }

// ask lends the history for the length of one call.
func (a *app) ask(cmd *cobra.Command, fn func(replay.Source) error) error {
	src, closer, err := a.openSource(cmd)
	if err != nil {
		return err
	}
	return told(errors.Join(fn(src), closer.Close()))
}

// named is the namespace that a history is of: an archive knows its own.
func (a *app) named(src replay.Source) string {
	if ar, ok := src.(interface{ Namespace() string }); ok {
		return ar.Namespace()
	}
	return a.namespace
}

// told adds what to do about the errors of questions.
func told(err error) error {
	hint := ""
	switch {
	case errors.Is(err, replay.ErrOutside):
		hint = "ask for a moment in between; without --at it is the latest one"
	case errors.Is(err, task.ErrInvalidOption):
		hint = "an lsn is of one partition: --queue NAME, and --partition N where it has several"
	case errors.Is(err, replay.ErrInvalidCursor):
		hint = "--after takes what log printed when it ended, in single quotes"
	case errors.Is(err, replay.ErrTooFine):
		hint = "a longer --every gives fewer rows, as --every 1h"
	default:
		return err
	}
	return &exitError{code: exitData, err: err, hint: hint}
}

// names checks names of queues or types before anything is asked.
func names[T ~string](what string, words []string) ([]T, error) {
	var all []T
	for _, w := range words {
		if err := task.ValidName(what, w); err != nil {
			return nil, usage(fmt.Errorf("--%s: %w", what, err))
		}
		all = append(all, T(w))
	}
	return all, nil
}
