package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// redactLine is what a redaction came to.
type redactLine struct {
	ID     engine.ID     `json:"id"`
	Event  task.Position `json:"event"`            // where the history says who and why
	Erased *int          `json:"erased,omitempty"` // payloads removed from the archive
}

func (a *app) redactCommand() *cobra.Command {
	var who operator
	var dir string
	c := &cobra.Command{
		Use: "redact ID... --reason TEXT", Short: "Remove the payloads of tasks that have ended, for good", Args: cobra.MinimumNArgs(1),
		Long: "Removes the payload from Redis, and with --archive from that archive: birth, releases, hand-backs, and what\n" +
			"requeue needs of a dead task, which stays dead. The history keeps who and why, and verify stays OK.\n\n" +
			"Not covered: error texts, headers, idempotency keys, digests of results, and copies elsewhere: backups and\n" +
			"the append-only file of Redis until it is rewritten, backups of the archive, what replay wrote with --save.\n\n" +
			"Nor copies that other commands made:\n" +
			"  tasks of replay run --mode requeue, and of handlers: they have ids of their own, which log --header\n" +
			"    tidemill-cause=ID names: redact those too\n" +
			"  load of replay run --mode bench --payload: log --header tidemill-replay=NAME lists it\n" +
			"  namespaces of restore: the id is the same, redact it there with --namespace\n" +
			"  packed archives, copies of the archive, exports: delete them, and make them again\n" +
			"  archives in S3: a program calls archive.Erase",
		Example: "  tidemill redact 01M8229DHT001G00G00000044J --reason \"ticket 4711\" --archive history/",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(args)
			if err != nil {
				return err
			}
			by, err := who.by()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error {
				return a.each(cmd.Context(), ids, func(ctx context.Context, id engine.ID) error {
					if dir != "" {
						return a.redactBoth(ctx, eng, id, by, dir)
					}
					return a.redact(ctx, eng, id, by)
				})
			})
		},
	}
	who.flags(c)
	sourceFlagOf(c, &dir, "remove them from this archive too, a `DIR`")
	return c
}

// redact removes from Redis alone.
func (a *app) redact(ctx context.Context, eng *engine.Engine, id engine.ID, by engine.By) error {
	at, err := eng.Redact(ctx, id, by)
	if err != nil {
		return notEnded(err)
	}
	if err := a.redacted(redactLine{ID: id, Event: at}); err != nil {
		return err
	}
	st, err := eng.State(ctx, id)
	if err != nil {
		return err
	}
	behind, err := eng.Log().Behind(ctx, st.Queue)
	if _, archived := behind[archive.Role]; err == nil && archived {
		fmt.Fprintf(a.err, "tidemill: %s is archived: repeat with --archive DIR to remove the payload there\n", clean(string(st.Queue)))
	}
	return err
}

// redactBoth removes from Redis, archives the event that says so, and then removes
// from the archive. Stopped anywhere, it is repeated.
func (a *app) redactBoth(ctx context.Context, eng *engine.Engine, id engine.ID, by engine.By, dir string) error {
	ar, err := openArchive(ctx, dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return failure(exitData, "redact in the directory that was packed, and pack it again", "%s: a packed archive is only read", dir)
	}
	at, err := eng.Redact(ctx, id, by)
	if errors.Is(err, task.ErrNotFound) { // trimmed, or never there
		var said bool
		if said, err = ar.Redacted(ctx, id); err == nil && !said {
			at, err = eng.RedactArchived(ctx, id, by)
		}
	}
	if err != nil {
		return notEnded(err)
	}
	if ar, err = a.archiveRedaction(ctx, eng, id, dir); err != nil {
		return err
	}
	n, err := ar.Erase(ctx, id)
	if err != nil {
		return err
	}
	return a.redacted(redactLine{ID: id, Event: at, Erased: &n})
}

// archiveRedaction archives until the archive says that a task was redacted. Another
// archiver may be at it.
func (a *app) archiveRedaction(ctx context.Context, eng *engine.Engine, id engine.ID, dir string) (*archive.Archive, error) {
	archiver := archive.New(archive.Of(eng.Log()), archive.Dir(dir), archive.Options{Namespace: a.namespace})
	for {
		err := archiver.Once(ctx)
		if err != nil && !errors.Is(err, archive.ErrBehind) {
			return nil, err
		}
		ar, err := openArchive(ctx, dir)
		if err != nil {
			return nil, err
		}
		if said, err := ar.Redacted(ctx, id); said || err != nil {
			return ar, err
		}
	}
}

func notEnded(err error) error {
	if errors.Is(err, task.ErrNotEnded) {
		return &exitError{code: exitFailed, err: err, hint: "cancel it first: tidemill cancel ID --reason TEXT"}
	}
	return err
}

func (a *app) redacted(l redactLine) error {
	if a.json {
		return a.printJSON(l)
	}
	a.printf("%s redacted", l.ID)
	if l.Erased != nil {
		a.printf(", %s removed from the archive", count(*l.Erased, "payload"))
	}
	a.printf("\n")
	return nil
}
