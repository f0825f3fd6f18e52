package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// reply is what a script answers: a word, then values.
type reply []any

func (r reply) word() string { return r.text(0) }

func (r reply) text(i int) string {
	if i < len(r) {
		switch v := r[i].(type) {
		case string:
			return v
		case int64:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (r reply) number(i int) int64 {
	if i < len(r) {
		switch v := r[i].(type) {
		case int64:
			return v
		case string:
			return parseInt(v)
		}
	}
	return 0
}

// once asks a script once and turns refusals into errors.
func (p *partition) once(ctx context.Context, db redis.Scripter, s *script, keys []string, args []any) (reply, error) {
	v, err := s.run(ctx, db, keys, args)
	return s.answer(v, err)
}

// answer reads what a script said.
func (s *script) answer(v any, err error) (reply, error) {
	if err != nil {
		return nil, mapError(err)
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("script %s: unexpected reply", s.name)
	}
	r := reply(list)
	switch r.word() {
	case "EPOCH":
		return nil, errEpoch
	case "SCHEMA":
		return nil, fmt.Errorf("%w: version %q", task.ErrSchema, r.text(1))
	case "NOGROUP":
		return nil, errNoGroup
	case "FENCED":
		return nil, task.ErrFenced
	case "OLDSEQ":
		return nil, errOldSeq
	case "FULL":
		return nil, &task.Backpressure{Reason: r.text(1)}
	case "TYPE":
		return nil, fmt.Errorf("%w: key %s is a %s", task.ErrUnsafe, r.text(1), r.text(2))
	}
	return r, nil
}

// call asks until an answer comes or ctx ends. The arguments stay the same, so
// that the script recognises a repeat; an epoch or a lost group is mended in
// between. After a failed try whose effect is unknown, errors wrap ErrUncertain.
func (p *partition) call(ctx context.Context, s *script, keys []string, args ...any) (reply, error) {
	return p.repeat(ctx, transient, s.name, func() (reply, error) { return p.once(ctx, p.log.db, s, keys, args) })
}

// callAll makes calls of a script that may be repeated, one after the other: in one
// trip as far as nothing fails, and each by itself from there on.
func (p *partition) callAll(ctx context.Context, s *script, calls []invocation) ([]reply, error) {
	var replies []reply
	if len(calls) > 1 {
		replies = s.together(ctx, p.log.db, calls)
	}
	for _, c := range calls[len(replies):] {
		r, err := p.call(ctx, s, c.keys, c.args...)
		if err != nil {
			return nil, err
		}
		replies = append(replies, r)
	}
	return replies, nil
}

// repeat asks again after the errors that again names.
func (p *partition) repeat(ctx context.Context, again func(error) bool, op string, ask func() (reply, error)) (reply, error) {
	uncertain := false
	for try := 0; ; try++ {
		r, err := ask()
		if err == nil {
			return r, nil
		}
		if mended := p.mend(ctx, err); mended != nil {
			err = mended // err itself, or why it could not be mended
		} else if try < maxMends {
			continue
		}
		uncertain = uncertain || transient(err) && !errors.Is(err, errEpoch) || ctx.Err() != nil
		if !again(err) || !pause(ctx, try) {
			if ctx.Err() != nil && !errors.Is(err, ctx.Err()) { // it may show as a read that timed out
				err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
			}
			if uncertain {
				err = fmt.Errorf("%w: %w", task.ErrUncertain, err)
			}
			return nil, fmt.Errorf("%s %s: %w", op, p.Queue, err)
		}
	}
}

// maxMends is how often a call is repeated without a pause: a server that
// refuses again and again must not be asked in a tight loop.
const maxMends = 3

// mend opens a new epoch or rebuilds the group; nil says that the call is worth
// repeating at once.
func (p *partition) mend(ctx context.Context, err error) error {
	if !errors.Is(err, errEpoch) && !errors.Is(err, errNoGroup) {
		return err
	}
	return p.openEpoch(ctx)
}

// Bounds of a pause, but for the first.
const (
	minPause = 100 * time.Millisecond
	maxPause = time.Second
)

// pause waits before try n+1: a moment after the first, since one connection may
// have broken; then 100 ms doubling to a second and a quarter of it at random, since
// the server is away, all ask for it, and work shall go on soon when it is back. It
// reports false when ctx ended.
func pause(ctx context.Context, try int) bool {
	d := 5 * time.Millisecond
	if try > 0 {
		d = min(minPause<<min(try-1, 4), maxPause)
	}
	t := time.NewTimer(d + rand.N(d/4))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
