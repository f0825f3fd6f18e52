package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

const enqueueLong = `Enqueue makes one task of --payload, or a task of each line of a file or of standard input (-).

A payload is JSON: of a file, the line as it stands; blank lines are left out. One task's id is
printed; of many, how many were enqueued and how many existed.

A line that cannot be a task ends the import with its number and exit code 65. The lines before it
are in, the others are not. With --key-field the same file can be enqueued again: that field of a
line (at its top level, a string or a number) is the task's idempotency key, and while the key is
remembered (--key-ttl) no second task of the same type and key is made.

Exit codes: 0 all are in, 65 bad input, 69 no Redis, 75 Redis is full, 130 interrupted. When not all
are in, the error says how many are, and the hint where to go on.`

const enqueueExample = `  tidemill enqueue --queue mail --type email.send --payload '{"to":"a@b.c"}'
  tidemill enqueue --queue mail --type email.send --file mails.ndjson --key-field id
  jq -c '.[]' mails.json | tidemill enqueue --type email.send --in 1h -`

func (a *app) enqueueCommand() *cobra.Command {
	var e enqueueFlags
	cmd := &cobra.Command{
		Use: "enqueue --type T (--payload JSON | --file F.ndjson | -)", Short: "Enqueue one task, or one per line of a file",
		Long: enqueueLong, Example: enqueueExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && args[0] != "-" {
				return usage(fmt.Errorf("enqueue takes no argument but -, which is standard input; got %q", args[0]))
			}
			e.stdin = len(args) == 1 || e.file == "-"
			return a.enqueue(cmd.Context(), &e)
		},
	}
	e.flags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("queue", a.completeQueues) // fails only where the flag does not exist
	return cmd
}

// enqueue judges what was asked for before it opens anything.
func (a *app) enqueue(ctx context.Context, e *enqueueFlags) error {
	if err := e.check(); err != nil {
		return err
	}
	opts, err := e.options()
	if err != nil {
		return err
	}
	typ := engine.Define[[]byte](e.typ)
	if _, err := typ.Enqueue(ctx, new(births), nil, opts...); err != nil {
		return err
	}
	if err := a.refuseMemory(); err != nil {
		return err
	}
	if e.given("payload") {
		return a.enqueueOne(ctx, e, typ, opts)
	}
	return a.enqueueMany(ctx, e, typ, opts)
}

// births is a Producer that only gathers: the engine makes and checks births of
// payloads and options, and they are sent later.
type births []task.Birth

func (b *births) Produce(_ context.Context, more []task.Birth) ([]engine.Task, error) {
	*b = append(*b, more...)
	return make([]engine.Task, len(more)), nil
}

// enqueued is one task, as --json tells it.
type enqueued struct {
	ID       string `json:"id"`
	Existing bool   `json:"existing"`
}

func (a *app) enqueueOne(ctx context.Context, e *enqueueFlags, typ engine.Type[[]byte], opts []engine.EnqueueOption) error {
	payload := []byte(e.payload)
	keyed, err := e.keyed(payload, opts)
	if err != nil {
		return failure(exitData, `a payload is JSON; text is written with quotes: --payload '"text"'`, "--payload: %w", err)
	}
	var t engine.Task
	err = a.brief(ctx, func(ctx context.Context, eng *engine.Engine) error {
		t, err = typ.Enqueue(ctx, eng, payload, keyed...)
		return err
	})
	switch {
	case errors.Is(err, engine.ErrUncertain):
		code, _ := classify(err)
		return failure(code, "it may be in: enqueue with --key, and repeating is safe", "%w", err)
	case err != nil:
		return err
	case a.json:
		return a.printJSON(enqueued{ID: t.ID.String(), Existing: t.Existing})
	}
	if t.Existing { // stdout is the id alone, for $(…)
		fmt.Fprintln(a.err, "existed: a task with this key is there already")
	}
	a.printf("%s\n", t.ID)
	return nil
}

// enqueueMany makes a task of each line.
func (a *app) enqueueMany(ctx context.Context, e *enqueueFlags, typ engine.Type[[]byte], opts []engine.EnqueueOption) error {
	in, size := interruptible(ctx, a.in), int64(0)
	if !e.stdin {
		f, err := os.Open(e.file)
		if err != nil {
			return failure(exitData, "", "--file: %w", err)
		}
		defer f.Close()
		in = f
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	eng, err := a.open(ctx, engine.Options{})
	if err != nil {
		return err
	}
	m := &importer{to: eng, typ: typ, opts: opts, flags: e, lines: newLineReader(in, engine.DefaultMaxPayload)}
	if !a.json {
		m.bar = newBar(a.err, size)
	}
	err = m.run(ctx)
	m.bar.clear()
	if a.json {
		err = errors.Join(err, a.printJSON(m.sum))
	} else if err == nil {
		a.printf("%s\n", m.sum)
	}
	return errors.Join(err, eng.Close())
}
