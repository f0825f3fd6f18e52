package engine

import (
	"context"
	"log/slog"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Keys of log attributes.
const (
	keyTask    = "task"
	keyType    = "type"
	keyQueue   = "queue"
	keyAttempt = "attempt"
	keyOutcome = "outcome"
	keyReason  = "reason"
	keyRan     = "ran"
	keyNode    = "consumer"
	keyCount   = "count"
	keyError   = "error"
)

// Slog is an Observer that logs: what ended well at debug, retries and
// takeovers at info, what needs a look at warn or error. Payloads and headers
// are never logged.
func Slog(l *slog.Logger) Observer {
	ctx := context.Background()
	return Observer{
		Opened: func(s Server) {
			l.InfoContext(ctx, "redis opened", "server", s.Name, "version", s.Version, "durability", string(s.Durability))
		},
		Settled: func(s *task.Settlement, a task.Answer) { logSettled(ctx, l, s, a) },
		Reclaimed: func(queue, from string, n int) {
			l.InfoContext(ctx, "deliveries reclaimed", keyQueue, queue, keyNode, from, keyCount, n)
		},
		Fenced: func(queue, consumer string, cause error) {
			l.WarnContext(ctx, "lease lost", keyQueue, queue, keyNode, consumer, keyError, cause)
		},
		Stuck: func(d *Delivery) {
			l.WarnContext(ctx, "handler ignores its context", keyTask, d.ID.String(), keyType, string(d.Type))
		},
		Panicked: func(ctx context.Context, d *Delivery, v any, _ []byte) {
			l.ErrorContext(ctx, "handler panicked", keyTask, d.ID.String(), keyType, string(d.Type), keyError, v)
		},
		Rewound: func(r streams.Rewind) {
			l.ErrorContext(ctx, "log rewound", keyQueue, string(r.Queue), keyError, r)
		},
		Failed: func(op, queue string, err error) {
			l.WarnContext(ctx, "redis call failed", "op", op, keyQueue, queue, keyError, err)
		},
	}
}

func logSettled(ctx context.Context, l *slog.Logger, s *task.Settlement, a task.Answer) {
	level, msg := slog.LevelDebug, "task settled"
	switch {
	case a != task.Recorded:
		level, msg = slog.LevelWarn, "outcome refused"
	case s.Kind == task.OutcomeDead:
		level = slog.LevelWarn
	case s.Kind == task.OutcomeRetry:
		level = slog.LevelInfo
	}
	if !l.Enabled(ctx, level) {
		return
	}
	d := s.Delivery
	l.LogAttrs(ctx, level, msg, slog.String(keyTask, d.ID.String()), slog.String(keyType, string(d.Type)),
		slog.String(keyQueue, string(d.Queue)), slog.Int(keyAttempt, d.Attempt), slog.String(keyOutcome, s.Kind.String()),
		slog.String(keyReason, s.Reason), slog.Duration(keyRan, s.Ran), slog.String(keyError, s.Error))
}
