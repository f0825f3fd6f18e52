package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
)

// logAsk is what log is asked.
type logAsk struct {
	logFilter
	after, format string
	limit         int
}

func (a *app) logCommand() *cobra.Command {
	var o logAsk
	c := &cobra.Command{
		Use: "log", Short: "List the events of the history that are asked for", Args: cobra.NoArgs,
		Long: "Prints the events that agree with every flag given, the earliest first: as text, NDJSON (also --json), CSV,\n" +
			"or CloudEvents 1.0 one a line. Flags that ask for type, header or key find all events of such tasks.\n" +
			"When it is cut short, by --limit or an interrupt, it tells on stderr with which --after the next run\n" +
			"goes on.\n\n" + momentHelp,
		Example: "  tidemill log --from 14:00 --to 14:05 --queue mail --kind dead,retry\n" +
			"  tidemill log --actor ops@host --json\n  tidemill log --type email.send --error timeout --sample 0.01",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := o.filter(time.Now())
			if err != nil {
				return err
			}
			if o.limit < 0 {
				return usage(fmt.Errorf("--limit %d is negative", o.limit))
			}
			form, err := a.format(o.format, cmd.Flags().Changed("format"))
			if err != nil {
				return err
			}
			l := logging{app: a, filter: f, limit: o.limit, cursor: replay.Cursor{}}
			if o.after != "" {
				if l.cursor, err = replay.ParseCursor(o.after); err != nil {
					return told(fmt.Errorf("--after: %w", err))
				}
			}
			return a.ask(cmd, func(src replay.Source) error {
				l.out = a.printer(form, a.named(src), bufio.NewWriter(a.out))
				return l.run(cmd.Context(), src)
			})
		},
	}
	o.flags(a, c)
	c.Flags().StringVar(&o.after, "after", "", "go on after this `CURSOR`, as an earlier run printed it")
	c.Flags().IntVar(&o.limit, "limit", 0, "at most so many, 0: all `N`")
	formatFlag(c, &o.format)
	sourceFlag(c)
	return c
}

// logging is one run of log.
type logging struct {
	app    *app
	filter replay.Filter
	cursor replay.Cursor
	limit  int
	out    printing
	shown  int
}

func (l *logging) run(ctx context.Context, src replay.Source) error {
	began := l.cursor.String()
	err := l.events(ctx, src)
	if ferr := l.out.end(); err == nil {
		err = ferr
	}
	switch {
	case err != nil && l.cursor.String() != began && !errors.Is(err, archive.ErrDamaged):
		code, _ := classify(err)
		return &exitError{code: code, err: err, hint: fmt.Sprintf("go on with --after '%s'", l.cursor)}
	case err == nil && l.limit > 0 && l.shown == l.limit:
		fmt.Fprintf(l.app.err, "%d shown, there may be more: go on with --after '%s'\n", l.shown, l.cursor)
	}
	return err
}

func (l *logging) events(ctx context.Context, src replay.Source) error {
	for e, err := range replay.Select(ctx, src, l.filter, l.cursor) {
		if err == nil {
			err = l.out.event(&e)
		}
		if err != nil {
			return err
		}
		if l.shown++; l.shown == l.limit {
			return nil
		}
	}
	return ctx.Err()
}
