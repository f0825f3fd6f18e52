package bench

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
)

// envWorker makes the test binary a worker that a run kills.
const envWorker = "BENCH_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(envWorker) != "" {
		if err := Work(context.Background(), os.Stdin, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	redistest.Main(m)
}
