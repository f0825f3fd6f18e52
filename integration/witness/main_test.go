package witness_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/redistest"
)

// Environment of a worker process: this binary, started again.
const (
	envURL       = "TIDEMILL_WITNESS_URL"
	envNamespace = "TIDEMILL_WITNESS_NAMESPACE"
	envEffects   = "TIDEMILL_WITNESS_EFFECTS"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(envURL); url != "" {
		if err := victim(url); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	redistest.Main(m)
}

// victim works until it is killed.
func victim(url string) error {
	ctx := context.Background()
	effects, err := history.OpenEffects(os.Getenv(envEffects))
	if err != nil {
		return err
	}
	eng, err := engine.Open(ctx, url, engine.Options{
		Namespace: os.Getenv(envNamespace), Queues: map[string]int{"default": 16}, Lease: time.Second,
	})
	if err != nil {
		return err
	}
	defer eng.Close()
	eng.HandleRaw(typ, (&handlers{effects: effects, node: node(), hangs: true}).handle)
	return eng.Run(ctx)
}
