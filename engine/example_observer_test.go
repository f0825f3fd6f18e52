package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// steady leaves out of a log what changes from run to run.
func steady(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case "time", "task", "ran", "durability", "server", "version":
		return slog.Attr{}
	}
	return a
}

// An Observer is told what happens; every func may be nil. Tee joins several:
// here one that logs and one that counts.
func ExampleTee() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	parse := engine.Define[string]("feed.parse")

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: steady}))
	outcomes := map[task.Kind]int{}
	count := engine.Observer{
		Settled: func(s *task.Settlement, _ task.Answer) { // one goroutine a queue calls it
			outcomes[s.Kind]++
			stop()
		},
	}
	eng, err := engine.Open(ctx, "mem://", engine.Options{Observer: engine.Tee(engine.Slog(logger), count)})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	engine.Handle(eng, parse, func(ctx context.Context, feed string) error {
		return engine.Bury(errors.New("no feed"))
	})
	if _, err := parse.Enqueue(ctx, eng, "https://example.com/rss"); err != nil {
		log.Fatal(err)
	}
	if err := eng.Run(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcomes)
	// Output:
	// level=INFO msg="redis opened"
	// level=WARN msg="task settled" type=feed.parse queue=default attempt=1 outcome=dead reason=buried error="no feed"
	// map[dead:1]
}
