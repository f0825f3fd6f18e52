package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Type is a kind of task with a payload of type T. Make one with [Define],
// usually as a package variable that producers and workers share.
type Type[T any] struct {
	name     string
	defaults settings
}

// Define names a kind of task. Its options are the defaults of every task of
// this type. A bad name or option comes back from Enqueue and Run.
func Define[T any](name string, opts ...DefineOption) Type[T] {
	t := Type[T]{name: name, defaults: settings{queue: DefaultQueue}}
	t.defaults.refuse(task.ValidName("type", name))
	for _, o := range opts {
		o.define(&t.defaults)
	}
	return t
}

// Name is the name the type was defined with.
func (t Type[T]) Name() string { return t.name }

// Decode reads a payload of this type: of a Delivery, a Status or an Event.
func (t Type[T]) Decode(payload []byte) (T, error) { return decode[T](payload) }

// settings gather the options of a type or of one task.
type settings struct {
	queue   string
	opts    task.Opts
	headers map[string]string
	backoff task.Backoff
	in      time.Duration
	at      time.Time
	durable task.Durability
	err     error
}

func (s *settings) refuse(err error) { s.err = errors.Join(s.err, err) }

// DefineOption is an option of [Define].
type DefineOption interface{ define(s *settings) }

// EnqueueOption is an option of Enqueue and EnqueueMany.
type EnqueueOption interface{ enqueue(s *settings) }

// Option fits both.
type Option func(s *settings)

func (o Option) define(s *settings)  { o(s) }
func (o Option) enqueue(s *settings) { o(s) }

type (
	defineOnly  func(s *settings)
	enqueueOnly func(s *settings)
)

func (o defineOnly) define(s *settings)   { o(s) }
func (o enqueueOnly) enqueue(s *settings) { o(s) }

// Queue says which queue the task goes to. Default "default".
func Queue(name string) Option {
	return func(s *settings) {
		s.queue = name
		s.refuse(task.ValidName("queue", name))
	}
}

// Retry says how often a failed task is tried again after its first attempt.
// Default 20.
func Retry(n int) Option {
	return func(s *settings) {
		if n < 0 {
			s.refuse(fmt.Errorf("%w: Retry: %d is negative", ErrInvalidOption, n))
		}
		s.opts.Retries = n
		if n == 0 {
			s.opts.Retries = -1
		}
	}
}

// Timeout limits one attempt: its context ends with cause [ErrTimeout] and the
// attempt counts as failed, even if the handler does not return. Default none.
func Timeout(d time.Duration) Option {
	return func(s *settings) {
		if d < time.Millisecond {
			s.refuse(fmt.Errorf("%w: Timeout: %s is less than 1ms", ErrInvalidOption, d))
		}
		s.opts.Timeout = d
	}
}

// What [Durability] takes.
const (
	Local      = task.Local
	Replicated = task.Replicated
)

// Durability says what Enqueue waits for. Local, the default: the primary has the
// task, which is as durable as the persistence of that Redis. Replicated: one
// replica has it too, in its memory, so a failover to that replica keeps it; where
// there are several, one that is behind must not be preferred (replica-priority).
// When none confirms within a second, Enqueue returns the task together with
// [ErrNotReplicated]: it is stored, it will run, and only the loss of the primary
// could still undo it. On mem://, which has no replica, it is [ErrInvalidOption].
func Durability(d task.Durability) Option {
	return func(s *settings) {
		if d != Local && d != Replicated {
			s.refuse(fmt.Errorf("%w: Durability: %s", ErrInvalidOption, d))
		}
		s.durable = d
	}
}

// Header adds a header, which handlers find in Delivery.Headers.
func Header(key, value string) Option {
	return func(s *settings) {
		if key == "" {
			s.refuse(fmt.Errorf("%w: Header: empty key", ErrInvalidOption))
		}
		headers := map[string]string{key: value}
		for k, v := range s.headers { // a type's headers are shared by its tasks
			if k != key {
				headers[k] = v
			}
		}
		s.headers = headers
	}
}

// Backoff says how long a failed task waits: base doubling up to limit, with
// full jitter. Default 1 s up to 1 h.
func Backoff(base, limit time.Duration) DefineOption {
	return defineOnly(func(s *settings) {
		s.backoff = task.Backoff{Base: base, Cap: limit}
		s.refuse(s.backoff.Validate())
	})
}

// In delays the task. Zero or less means now.
func In(d time.Duration) EnqueueOption {
	return enqueueOnly(func(s *settings) {
		if d > farthest {
			s.refuse(fmt.Errorf("%w: In: %s is more than ten years", ErrInvalidOption, d))
		}
		s.in = d
	})
}

// At delays the task until a moment. A moment that has passed means now.
func At(t time.Time) EnqueueOption {
	return enqueueOnly(func(s *settings) {
		if time.Until(t) > farthest {
			s.refuse(fmt.Errorf("%w: At: %s is more than ten years ahead", ErrInvalidOption, t.Format(time.RFC3339)))
		}
		s.at = t
	})
}

// Deadline is the moment after which the task is not started any more: it ends
// as expired.
func Deadline(t time.Time) EnqueueOption {
	return enqueueOnly(func(s *settings) {
		if t.UnixMilli() <= 0 {
			s.refuse(fmt.Errorf("%w: Deadline: %s", ErrInvalidOption, t.Format(time.RFC3339)))
		}
		s.opts.Deadline = t
	})
}

// Key makes enqueueing repeatable: while the key is remembered (24 h), a second
// task of the same type and key is not made; the first one's id comes back.
func Key(key string) EnqueueOption { return KeyFor(key, 24*time.Hour) }

// KeyFor is Key with another time for which the key is remembered.
func KeyFor(key string, ttl time.Duration) EnqueueOption {
	return enqueueOnly(func(s *settings) {
		if key == "" || len(key) > 1024 {
			s.refuse(fmt.Errorf("%w: Key: want 1 to 1024 bytes", ErrInvalidOption))
		}
		if ttl < time.Millisecond {
			s.refuse(fmt.Errorf("%w: Key: kept for %s, want at least 1ms", ErrInvalidOption, ttl))
		}
		s.opts.Key, s.opts.KeyTTL = key, ttl
	})
}

// encode turns a payload into bytes: JSON, or the bytes themselves.
func encode[T any](v T) ([]byte, error) {
	if b, ok := any(v).([]byte); ok {
		return b, nil
	}
	return json.Marshal(v)
}

// decode is the reverse of encode.
func decode[T any](b []byte) (v T, err error) {
	if p, ok := any(&v).(*[]byte); ok {
		*p = b
		return v, nil
	}
	err = json.Unmarshal(b, &v)
	return v, err
}
