package task

import (
	"errors"
	"fmt"
	"testing"
)

func TestBackpressure(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("enqueue: %w", &Backpressure{Reason: "memory"})
	if !errors.Is(err, ErrBackpressure) || errors.Is(err, ErrUncertain) {
		t.Errorf("%v: want ErrBackpressure and no other", err)
	}
	var got *Backpressure
	if !errors.As(err, &got) || got.Reason != "memory" {
		t.Errorf("got %+v, want the reason memory", got)
	}
	if got, want := err.Error(), "enqueue: back-pressure: memory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIllegalError(t *testing.T) {
	t.Parallel()
	_, err := Apply(Succeeded, OutcomeRetry)
	if got, want := err.Error(), "illegal transition: retry in state succeeded"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNoSuchWord: a number that is no state or kind is a mistake of the program.
func TestNoSuchWord(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]func() string{"state": states.String, "kind": kinds.String} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic", name)
				}
			}()
			_ = word()
		}()
	}
}
