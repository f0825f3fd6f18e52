package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
)

// roleEnv holds a role as JSON: what a process of the fleet shall be.
const roleEnv = "TIDEMILL_CHAOS_ROLE"

// role is the life of one process of the fleet.
type role struct {
	Kind       string        `json:"kind"` // worker, producer, operator
	Name       string        `json:"name"`
	URL        string        `json:"url"`
	Namespace  string        `json:"namespace"`
	Dir        string        `json:"dir"`
	Seed       uint64        `json:"seed"`
	Queues     []string      `json:"queues"`
	Lease      time.Duration `json:"lease"`
	Retention  time.Duration `json:"retention"`
	Rate       int           `json:"rate"`       // tasks a second of a producer
	Replicated bool          `json:"replicated"` // producers ask for a replica half of the time
}

// Exit codes of fleet processes.
const (
	exitCrash = 3 // a task ended the process
	exitError = 1
)

// play runs a role until SIGTERM.
func play(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch r.Kind {
	case "worker":
		return r.work(ctx)
	case "producer":
		return r.produce(ctx)
	case "operator":
		return r.operate(ctx)
	}
	return fmt.Errorf("no role %q", r.Kind)
}

// open connects; while Redis is away it tries again. Nil when ctx ended.
func (r *role) open(ctx context.Context) *engine.Engine {
	o := engine.Options{Namespace: r.Namespace, Lease: r.Lease, Drain: time.Second, Queues: map[string]int{}}
	o.Retention.Age = r.Retention
	for _, q := range r.Queues {
		o.Queues[q] = 32
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		eng, err := engine.Open(ctx, r.URL, o)
		if err == nil {
			return eng
		}
		fmt.Fprintln(os.Stderr, "open:", err)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// record opens the file of this process's operations, whose numbers are its own.
func (r *role) record() (*history.Lines, error) {
	return history.Append(filepath.Join(r.Dir, fmt.Sprintf("ops-%s-%d.jsonl", r.Name, os.Getpid())))
}
