package witness_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
)

// handlers do what a payload's plan says, and journal it.
type handlers struct {
	effects *history.Effects
	node    string
	hangs   bool     // the plan "hang" is for a node that is to be killed
	snoozed sync.Map // ids that have
}

func node() string { return fmt.Sprintf("test/%d", os.Getpid()) }

func (h *handlers) handle(ctx context.Context, d *engine.Delivery) error {
	word := strings.Fields(string(d.Payload))
	e := history.Effect{
		What: history.Start, Tag: word[0], ID: d.ID.String(), Attempt: d.Attempt, Node: h.node,
		T: history.Now(), WallMs: time.Now().UnixMilli(),
	}
	if err := h.effects.Write(e); err != nil {
		return err
	}
	if word[1] == "hang" && h.hangs {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	outcome, err := h.act(word[1], d)
	e.What, e.Outcome, e.T = history.End, outcome, history.Now()
	if err := h.effects.Write(e); err != nil {
		return err
	}
	if outcome == "panic" {
		panic("as planned")
	}
	return err
}

func (h *handlers) act(plan string, d *engine.Delivery) (outcome string, err error) {
	switch {
	case plan == "retry" && d.Attempt < 3:
		return "retry", engine.RetryIn(20*time.Millisecond, errors.New("again"))
	case plan == "panic" && d.Attempt < 2:
		return "panic", nil
	case plan == "bury":
		return "bury", engine.Bury(errors.New("never"))
	case plan == "snooze":
		if _, done := h.snoozed.LoadOrStore(d.ID, true); !done {
			return "snooze", engine.Snooze(30 * time.Millisecond)
		}
	}
	return "ok", nil
}
