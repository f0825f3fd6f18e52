package rig

import (
	"context"
	"fmt"
	"time"
)

const (
	askEvery  = 10 * time.Millisecond
	askWithin = time.Second // one question to one server
)

// until asks again and again, for at most limit, and returns nil as soon as
// holds does. What holds answered last is in the error.
func until(ctx context.Context, limit time.Duration, what string, holds func(context.Context) error) error {
	outer, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		inner, done := context.WithTimeout(outer, askWithin)
		err := holds(inner)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-outer.Done():
			return fmt.Errorf("wait until %s: %w, last: %w", what, outer.Err(), err)
		case <-again.C:
		}
	}
}
