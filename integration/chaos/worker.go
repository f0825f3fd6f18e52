package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
)

// worker runs tasks and writes what it does to the effects file.
type worker struct {
	effects *history.Effects
	node    string

	mu      sync.Mutex
	snoozed map[engine.ID]bool
}

func (r *role) work(ctx context.Context) error {
	f, err := history.OpenEffects(filepath.Join(r.Dir, "effects"))
	if err != nil {
		return err
	}
	defer f.Close()
	eng := r.open(ctx)
	if eng == nil {
		return nil
	}
	defer eng.Close()
	w := &worker{effects: f, node: fmt.Sprintf("%s/%d", r.Name, os.Getpid()), snoozed: map[engine.ID]bool{}}
	eng.HandleRaw(taskType, w.handle)
	return eng.Run(ctx)
}

// effect writes one line; a truth that cannot be told is worth no run.
func (w *worker) effect(what, tag, outcome string, d *engine.Delivery) {
	err := w.effects.Write(history.Effect{
		What: what, Tag: tag, ID: d.ID.String(), Attempt: d.Attempt, Node: w.node,
		T: history.Now(), WallMs: time.Now().UnixMilli(), Outcome: outcome,
	})
	if err != nil { // a panic would be recovered
		fmt.Fprintln(os.Stderr, "effects:", err)
		os.Exit(exitError)
	}
}

var errPlanned = errors.New("planned failure")

func (w *worker) handle(ctx context.Context, d *engine.Delivery) error {
	tag, plan, _ := strings.Cut(string(d.Payload), " ")
	w.effect(history.Start, tag, "", d)
	verb, n := parsePlan(plan)
	end := func(outcome string, err error) error {
		w.effect(history.End, tag, outcome, d)
		return err
	}
	switch verb {
	case planFlaky:
		if d.Attempt <= n {
			return end("retry", engine.RetryIn(50*time.Millisecond, errPlanned))
		}
	case planBury:
		return end("bury", engine.Bury(errPlanned))
	case planFail:
		return end("retry", engine.RetryIn(30*time.Millisecond, errPlanned))
	case planSnooze:
		if w.first(d.ID) {
			return end("snooze", engine.Snooze(50*time.Millisecond))
		}
	case planPanic:
		if d.Attempt == 1 {
			w.effect(history.End, tag, "panic", d)
			panic(errPlanned)
		}
	case planLoop:
		pause(context.WithoutCancel(ctx), time.Duration(n)*time.Millisecond)
		return end("ok", nil)
	case planCrash:
		os.Exit(exitCrash)
	}
	if !pause(ctx, time.Duration(n)*time.Millisecond) {
		w.effect(history.Cut, tag, "", d)
		return context.Cause(ctx)
	}
	engine.Result(ctx, []byte(tag)) // as the checker expects of those that report
	return end("ok", nil)
}

// first reports whether this process has not snoozed the task yet.
func (w *worker) first(id engine.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.snoozed[id]
	w.snoozed[id] = true
	return !was
}

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
