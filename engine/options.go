package engine

import (
	"crypto/tls"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidemill/tidemill/task"
)

// Options configure an Engine. The zero value is ready to use.
type Options struct {
	// Namespace keeps several Tidemills apart on one Redis. Default "default".
	Namespace string
	// Queues to work on, with how many handlers may run at once on this node.
	// Default: the queues of the handled types, 64 each.
	Queues map[string]int
	// Lease is how long a node may be silent before others take its work.
	// Default 10 s, at least 500 ms.
	Lease time.Duration
	// Drain is how long running handlers may go on after a stop. Default 25 s.
	Drain time.Duration
	// Retention bounds the history that is kept, of queues for which SetRetention
	// did not set another. Default 24 h, 256 MiB a partition, dead tasks 30 days.
	Retention Retention
	// Version of the program: the history says which one ran what. Default: what
	// the build knows of itself.
	Version string
	// MaxPayload in bytes. Default 1 MiB.
	MaxPayload int
	// TLS overrides what the URL says.
	TLS *tls.Config
	// Observer is told what happens. Default: nobody.
	Observer Observer
	// TracerProvider and MeterProvider. Default: OpenTelemetry's globals.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	// AllowEviction accepts a Redis that may drop keys, and with them tasks.
	AllowEviction bool
}

// Defaults of [Options] and of tasks.
const (
	DefaultQueue       = "default"
	DefaultConcurrency = 64
	DefaultLease       = 10 * time.Second
	DefaultDrain       = 25 * time.Second
	DefaultMaxPayload  = 1 << 20
	DefaultRetries     = 20

	minLease = 500 * time.Millisecond
	farthest = 10 * 365 * 24 * time.Hour // nothing is delayed longer
)

func (o Options) withDefaults() Options {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = DefaultMaxPayload
	}
	if o.Version == "" {
		o.Version = buildVersion()
	}
	o.Retention = o.Retention.WithDefaults()
	return o
}

func (o Options) validate() error {
	for q, n := range o.Queues {
		if err := task.ValidName("queue", q); err != nil {
			return err
		}
		if n <= 0 {
			return fmt.Errorf("%w: Options.Queues[%q]: concurrency %d, want at least 1", ErrInvalidOption, q, n)
		}
	}
	if err := task.ValidVersion(o.Version); err != nil {
		return fmt.Errorf("Options.Version: %w", err)
	}
	switch {
	case o.Lease < minLease:
		return fmt.Errorf("%w: Options.Lease: %s is less than %s", ErrInvalidOption, o.Lease, minLease)
	case o.Drain < 0:
		return fmt.Errorf("%w: Options.Drain: %s is negative", ErrInvalidOption, o.Drain)
	case o.MaxPayload < 0:
		return fmt.Errorf("%w: Options.MaxPayload: %d is negative", ErrInvalidOption, o.MaxPayload)
	case o.Retention.Age < 0 || o.Retention.Bytes < 0 || o.Retention.Dead < 0:
		return fmt.Errorf("%w: Options.Retention: negative", ErrInvalidOption)
	}
	return nil
}
