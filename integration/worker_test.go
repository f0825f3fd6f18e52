package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
)

// Environment of a worker process.
const (
	envURL         = "TIDEMILL_IT_URL"
	envNamespace   = "TIDEMILL_IT_NAMESPACE"
	envJournal     = "TIDEMILL_IT_JOURNAL"
	envConcurrency = "TIDEMILL_IT_CONCURRENCY"
	envLease       = "TIDEMILL_IT_LEASE"
)

// Types of the tasks that workers run. The payload is a duration.
const (
	typeSleep = "it.sleep" // sleeps, heeding its context
	typeCrash = "it.crash" // ends the process
)

func TestMain(m *testing.M) {
	flag.Parse() // testing.Short is asked before m.Run
	if url := os.Getenv(envURL); url != "" {
		if err := worker(url); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "tidemill-it-")
	if err == nil {
		err = buildWorker(filepath.Join(dir, "worker"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	redistest.Main(m, func() { _ = os.RemoveAll(dir) })
}

// workerBinary is what worker processes run: this package's tests, built without
// the race detector, because what is measured is what users run.
var workerBinary string

func buildWorker(path string) error {
	if testing.Short() {
		return nil // no test starts one
	}
	out, err := exec.Command("go", "test", "-c", "-o", path, ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build worker: %w: %s", err, out)
	}
	workerBinary = path
	return nil
}

// worker is the life of a worker process.
func worker(url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	concurrency, err := strconv.Atoi(os.Getenv(envConcurrency))
	if err != nil {
		return err
	}
	lease, err := time.ParseDuration(os.Getenv(envLease))
	if err != nil {
		return err
	}
	j, err := openJournal(os.Getenv(envJournal))
	if err != nil {
		return err
	}
	eng, err := engine.Open(ctx, url, engine.Options{
		Namespace: os.Getenv(envNamespace), Queues: map[string]int{engine.DefaultQueue: concurrency}, Lease: lease, Drain: time.Second,
	})
	if err != nil {
		return err
	}
	defer eng.Close()
	eng.HandleRaw(typeSleep, func(ctx context.Context, d *engine.Delivery) error {
		j.write("start", d)
		pause, err := time.ParseDuration(string(d.Payload))
		if err != nil {
			return engine.Bury(err)
		}
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			j.write("cut", d)
			return context.Cause(ctx)
		}
		j.write("end", d)
		return nil
	})
	eng.HandleRaw(typeCrash, func(_ context.Context, d *engine.Delivery) error {
		j.write("start", d)
		os.Exit(3)
		return nil
	})
	return eng.Run(ctx)
}
