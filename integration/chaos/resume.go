package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/rig"
)

// resumeWithin is how soon work must go on when there is a writable primary.
const resumeWithin = 5 * time.Second

// pulse notes when the effects file grew.
type pulse struct {
	mu    sync.Mutex
	beats []time.Time
}

// feel watches the file until ctx ends.
func (p *pulse) feel(ctx context.Context, path string) {
	var size int64
	for pause(ctx, 20*time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > size {
			size = info.Size()
			p.mu.Lock()
			p.beats = append(p.beats, time.Now())
			p.mu.Unlock()
		}
	}
}

// after is the first beat after t; false: there was none yet.
func (p *pulse) after(t time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.beats {
		if b.After(t) {
			return b, true
		}
	}
	return time.Time{}, false
}

// replaced makes a fault that replaces a primary, and sees to it that work goes
// on within five seconds of the first write that the new one took.
func (w *world) replaced(ctx context.Context, f *history.Fault, replace func(died func()) (rig.Failed, error)) error {
	watch, cancel := context.WithCancel(ctx)
	var p pulse
	var wg sync.WaitGroup
	wg.Go(func() { p.feel(watch, filepath.Join(w.dir, "effects")) })
	defer wg.Wait()
	defer cancel()
	death := time.Now()
	failed, err := replace(func() { death = time.Now() })
	if err != nil {
		return err
	}
	f.Observed = 1
	writable := death.Add(failed.Took)
	w.until(ctx, time.Until(writable.Add(resumeWithin)), func() bool { _, ok := p.after(writable); return ok })
	beat, ok := p.after(writable)
	if !ok || beat.Sub(writable) > resumeWithin {
		return fmt.Errorf("no work within %s of a writable primary", resumeWithin)
	}
	f.Note = fmt.Sprintf("writable after %.2fs, work %.2fs later", failed.Took.Seconds(), beat.Sub(writable).Seconds())
	return nil
}

// probe makes one task in every partition and waits for their ends.
func (w *world) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, resumeWithin)
	defer cancel()
	var ids []engine.ID
	for range w.partitions { // calls go to the partitions of a queue in turn
		w.burst++
		queue := w.run.Queues[w.burst%len(w.run.Queues)]
		got, err := w.client.ask(ctx, []history.Birth{{Tag: fmt.Sprintf("probe.%d", w.burst), Queue: queue, Plan: "ok:0"}})
		if err != nil {
			return fmt.Errorf("not within %s of a writable primary: %w", resumeWithin, err)
		}
		ids = append(ids, got[0].ID)
	}
	for _, id := range ids {
		if _, err := w.client.eng.Wait(ctx, id); err != nil && !errors.Is(err, engine.ErrNotFound) { // trimmed: it has ended
			return fmt.Errorf("no work on %s within %s of a writable primary: %w", id, resumeWithin, err)
		}
	}
	return nil
}
