package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/task"
)

// taskType is the type of all tasks of a run; what a task does is in its payload:
// its tag, a space, its plan.
const taskType = "chaos.task"

// Plans, with what the handler does.
const (
	planOK     = "ok"     // ok:MS sleeps and succeeds
	planFlaky  = "flaky"  // flaky:N fails N times first
	planBury   = "bury"   // is buried at once
	planFail   = "fail"   // fails until its retries are used up
	planSnooze = "snooze" // snoozes once in each process
	planPanic  = "panic"  // panics at the first attempt
	planLoop   = "loop"   // loop:MS ignores its context, beyond its timeout
	planCrash  = "crash"  // ends the process
)

// loopTimeout is the timeout of tasks that loop.
const loopTimeout = 300 * time.Millisecond

// weights of the plans that producers draw, in percent.
var weights = []struct {
	plan string
	n    int
}{
	{planOK, 80}, {planFlaky, 8}, {planBury, 2}, {planFail, 2}, {planSnooze, 4}, {planPanic, 3}, {planLoop, 1},
}

// draw makes a plan.
func draw(r *rand.Rand) string {
	n := r.IntN(100)
	for _, w := range weights {
		if n -= w.n; n >= 0 {
			continue
		}
		switch w.plan {
		case planOK:
			if r.IntN(15) == 0 {
				return fmt.Sprintf("%s:%d", planOK, 100+r.IntN(700))
			}
			return fmt.Sprintf("%s:%d", planOK, r.IntN(20))
		case planFlaky:
			return fmt.Sprintf("%s:%d", planFlaky, 1+r.IntN(3))
		case planLoop:
			return fmt.Sprintf("%s:%d", planLoop, 400+r.IntN(400))
		}
		return w.plan
	}
	return planOK + ":0"
}

// drawDelay makes a delay; a quarter of the tasks have one.
func drawDelay(r *rand.Rand) time.Duration {
	if r.IntN(4) != 0 {
		return 0
	}
	return time.Duration(1+r.IntN(2000)) * time.Millisecond
}

// birth is what the engine is asked for.
func birth(b *history.Birth) task.Birth {
	out := task.Birth{
		Type: taskType, Queue: task.Queue(b.Queue), Payload: []byte(b.Tag + " " + b.Plan), In: time.Duration(b.InMs) * time.Millisecond,
		Key: b.Key, Opts: task.Opts{Retries: 4, Key: b.Key},
	}
	if b.Replicated {
		out.Durability = task.Replicated
	}
	switch verb, _ := parsePlan(b.Plan); verb {
	case planFail:
		out.Opts.Retries = 2
	case planLoop:
		out.Opts.Retries, out.Opts.Timeout = 1, loopTimeout
	}
	return out
}

// parsePlan splits VERB:N.
func parsePlan(plan string) (verb string, n int) {
	verb, arg, _ := strings.Cut(plan, ":")
	n, _ = strconv.Atoi(arg)
	return verb, n
}
