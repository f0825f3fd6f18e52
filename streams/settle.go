package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// MaxSettle and MaxVerdicts bound one call of Settle: outcomes in all, and
// outcomes other than succeeded, which cost more.
const (
	MaxSettle   = maxItems
	MaxVerdicts = 64
)

// Settle records outcomes and says what became of each, in order. At most
// MaxSettle of them, of which MaxVerdicts did not succeed. Those delivered under
// one token cost less than a mixture, of which each is asked for its owner.
//
// Errors: [task.ErrInvalidOption] (too many), [task.ErrFenced] (nothing
// recorded, the session is over),
// [task.ErrUncertain] when ctx ended; asking again goes on with a new number
// and is safe, because an entry is acknowledged once.
func (s *Session) Settle(ctx context.Context, out []task.Settlement) ([]task.Answer, error) {
	if len(out) == 0 {
		return nil, nil
	}
	if err := bounded(out); err != nil {
		return nil, fmt.Errorf("settle %s: %w", s.part.Queue, err)
	}
	order := s.order(out)
	seq := <-s.lanes
	defer func() { s.lanes <- seq + 2 }()
	ks, args := s.settlement(out, order, seq)
	r, err := s.part.call(ctx, settleScript, ks, args...)
	if err != nil {
		if errors.Is(err, errOldSeq) {
			err = fmt.Errorf("%w: %w", task.ErrUncertain, err)
		}
		return nil, err
	}
	s.part.saw(clock{lsn: r.number(2)})
	word := r.text(1)
	if len(word) != len(out) {
		return nil, fmt.Errorf("settle %s: %d answers to %d outcomes", s.part.Queue, len(word), len(out))
	}
	answers := make([]task.Answer, len(out))
	for i, at := range order {
		answers[at] = task.Answer(word[i])
	}
	return answers, nil
}

// bounded refuses what one script call must not be asked for: a packed entry
// numbers its items in one byte.
func bounded(out []task.Settlement) error {
	verdicts := 0
	for i := range out {
		if out[i].Kind != task.OutcomeSuccess {
			verdicts++
		}
	}
	if len(out) > MaxSettle || verdicts > MaxVerdicts {
		return fmt.Errorf("%w: %d outcomes, %d of them no success: at most %d, %d", task.ErrInvalidOption, len(out), verdicts, MaxSettle, MaxVerdicts)
	}
	return nil
}

// order puts successes first, by birth, so that neighbours share an index write.
func (s *Session) order(out []task.Settlement) []int {
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &out[a], &out[b]
		if xs, ys := x.Kind == task.OutcomeSuccess, y.Kind == task.OutcomeSuccess; xs != ys {
			if xs {
				return -1
			}
			return 1
		}
		return cmp.Compare(x.Delivery.ID.LSN(), y.Delivery.ID.LSN())
	})
	return order
}

// settlement writes the arguments of the script.
func (s *Session) settlement(out []task.Settlement, order []int, seq int64) ([]string, []any) {
	p := s.part
	ks := newChunks(p, p.Meta, p.Tasks, p.Events, p.Waiting, p.Copies, p.Members, p.Cancels, p.Dead, p.Graves, p.Wake)
	base := out[order[0]].Delivery.ID.Birth()
	successes := len(order)
	for i, at := range order { // they come first
		if out[at].Kind != task.OutcomeSuccess {
			successes = i
			break
		}
	}
	args := make([]any, settleFixed, settleFixed+5*successes+11*(len(out)-successes))
	args, runs := appendRuns(args, out, order[:successes], ks)
	var buf []byte
	for _, at := range order {
		o := &out[at]
		d := o.Delivery
		entry, birth := d.Entry.String(), birthLSN(d)
		if o.Kind != task.OutcomeSuccess {
			args = append(args, o.Kind.String(), entry, birth, ks.index(birth), d.ID.String(), d.Attempt,
				o.Delay.Milliseconds(), o.Error, o.Reason, verdictOpts(o), wire.Ran(o.Ran, d.Starts()))
			continue
		}
		from := len(buf)
		buf = wire.AppendItem(buf, base, wire.Item{Task: d.ID, Entry: d.Entry, Attempt: d.Attempt, Crashes: d.Starts(), Ran: o.Ran, Result: o.Result})
		args = append(args, entry, buf[from:len(buf):len(buf)])
	}
	copy(args, []any{s.name, seq, sharedToken(out), base.String(), runs, successes})
	return ks.keys, args
}

// settleFixed is how many arguments of the script come before the runs.
const settleFixed = 6

// appendRuns writes the births of successes: birth, chunk and count of each row of
// neighbours that share a chunk of the index.
func appendRuns(args []any, out []task.Settlement, order []int, ks *chunks) ([]any, int) {
	runs := 0
	for i := 0; i < len(order); runs++ {
		birth, n := birthLSN(out[order[i]].Delivery), int64(1)
		chunk := ks.index(birth)
		for i++; i < len(order); i, n = i+1, n+1 {
			if next := birthLSN(out[order[i]].Delivery); next != birth+n || birth == 0 || ks.index(next) != chunk {
				break
			}
		}
		args = append(args, birth, chunk, n)
	}
	return args, runs
}

// birthLSN names the birth of a delivery; 0 for the entry of a stranger, whose
// lsn may be that of one of our tasks. Epochs begin at 1.
func birthLSN(d *task.Delivery) int64 {
	if d.Type == "" && d.ID.Epoch() == 0 {
		return 0
	}
	return d.ID.LSN()
}

// sharedToken is the token of all deliveries, empty when they differ.
func sharedToken(out []task.Settlement) string {
	for i := range out {
		if out[i].Delivery.Token != out[0].Delivery.Token {
			return ""
		}
	}
	return out[0].Delivery.Token
}

// verdictOpts is what the task carries into its next delivery: a hand-back
// takes its crashes along, a retry begins without; a late outcome names what
// it wanted.
func verdictOpts(o *task.Settlement) string {
	next := o.Delivery.Opts
	next.Crashes = 0
	switch o.Kind {
	case task.StaleOutcome:
		return o.Wanted.String()
	case task.HandedBack:
		next.Crashes = o.Delivery.Starts()
	}
	return wire.Opts(next)
}
