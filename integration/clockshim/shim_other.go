//go:build !linux

package clockshim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errElsewhere = fmt.Errorf("clock shim: Linux only: %w", errors.ErrUnsupported)

// Build exists on Linux only.
func Build(context.Context, string) (*Shim, error) { return nil, errElsewhere }

// Set exists on Linux only.
func (s *Shim) Set(time.Duration) error { return errElsewhere }

// Offset exists on Linux only.
func (s *Shim) Offset() time.Duration { return 0 }

// Close has nothing to do.
func (s *Shim) Close() error { return nil }
