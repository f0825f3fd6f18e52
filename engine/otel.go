package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidemill/tidemill/task"
)

const scope = "github.com/tidemill/tidemill"

// telemetry is all that sees OpenTelemetry: a producer span, a consumer span
// linked to it, and metrics, through the API alone. Labels are queue, outcome
// and the names of handled types, never anything a user made.
type telemetry struct {
	engine  *Engine
	tracer  trace.Tracer
	traces  bool // an SDK is there; else spans cost nothing
	w3c     propagation.TraceContext
	settled metric.Int64Counter
	born    metric.Int64Counter
	ran     metric.Float64Histogram
	pickup  metric.Float64Histogram
	late    metric.Float64Histogram
	depth   metric.Registration
	metrics bool
}

func newTelemetry(e *Engine) (*telemetry, error) {
	t := &telemetry{engine: e}
	provider := e.opts.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	t.tracer = provider.Tracer(scope)
	t.traces = records(t.tracer)
	return t, t.instruments()
}

// records reports whether there is an SDK behind a tracer: it gives its spans ids
// of their own. What it is asked with comes from a parent that is not sampled, so
// that no exporter sees it.
func records(t trace.Tracer) bool {
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, Remote: true})
	_, probe := t.Start(trace.ContextWithRemoteSpanContext(context.Background(), parent), "probe")
	defer probe.End()
	return probe.SpanContext().SpanID() != parent.SpanID()
}

func (t *telemetry) instruments() error {
	provider := t.engine.opts.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	m := provider.Meter(scope)
	var errs [6]error
	t.born, errs[0] = m.Int64Counter("tidemill.tasks.enqueued")
	t.settled, errs[1] = m.Int64Counter("tidemill.tasks.settled", metric.WithDescription("outcomes, by outcome"))
	seconds := metric.WithUnit("s")
	t.ran, errs[2] = m.Float64Histogram("tidemill.task.run_time", seconds)
	t.pickup, errs[3] = m.Float64Histogram("tidemill.task.pickup", seconds, metric.WithDescription("from ready to started"))
	t.late, errs[4] = m.Float64Histogram("tidemill.task.lateness", seconds, metric.WithDescription("from due to started, of delayed tasks"))
	depth, err := m.Int64ObservableGauge("tidemill.queue.depth", metric.WithDescription("tasks by queue and state"))
	errs[5] = err
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	t.metrics = t.settled.Enabled(context.Background())
	t.depth, err = m.RegisterCallback(func(ctx context.Context, o metric.Observer) error { return t.observe(ctx, o, depth) }, depth)
	return err
}

// observe reports depths, when somebody collects.
func (t *telemetry) observe(ctx context.Context, o metric.Observer, depth metric.Int64ObservableGauge) error {
	stats, err := t.engine.Stats(ctx)
	if err != nil {
		return err
	}
	for _, q := range stats.Queues {
		for state, n := range map[string]int64{"waiting": q.Waiting, "ready": q.Ready, "running": q.Running, "dead": q.Dead} {
			o.ObserveInt64(depth, n, metric.WithAttributes(attribute.String("queue", string(q.Queue)), attribute.String("state", state)))
		}
	}
	return nil
}

func (t *telemetry) close() {
	if t.depth != nil {
		_ = t.depth.Unregister()
	}
}

// observer is the metrics.
func (t *telemetry) observer() Observer {
	if !t.metrics {
		return Observer{}
	}
	return Observer{
		Enqueued: func(ctx context.Context, births []task.Birth, _ []Task) {
			if len(births) > 0 {
				t.born.Add(ctx, int64(len(births)), metric.WithAttributes(attribute.String("queue", string(births[0].Queue))))
			}
		},
		Started: func(ctx context.Context, d *Delivery) {
			at := metric.WithAttributes(t.labels(d)...)
			t.pickup.Record(ctx, since(d.Entry.Ms), at)
			if d.DueMs > 0 {
				t.late.Record(ctx, since(d.DueMs), at)
			}
		},
		Settled: func(s *task.Settlement, a task.Answer) {
			outcome := s.Kind.String()
			if a != task.Recorded {
				outcome = "refused"
			}
			at := metric.WithAttributes(append(t.labels(s.Delivery), attribute.String("outcome", outcome))...)
			t.settled.Add(context.Background(), 1, at)
			t.ran.Record(context.Background(), s.Ran.Seconds(), at)
		},
	}
}

// labels are the queue and the type, if it is one of ours.
func (t *telemetry) labels(d *Delivery) []attribute.KeyValue {
	name := "unrouted"
	if _, ok := t.engine.handlers[string(d.Type)]; ok {
		name = string(d.Type)
	}
	return []attribute.KeyValue{attribute.String("queue", string(d.Queue)), attribute.String("type", name)}
}

func since(ms int64) float64 { return max(0, time.Since(time.UnixMilli(ms)).Seconds()) }

// produce opens the producer span and puts its context into the headers.
func (t *telemetry) produce(ctx context.Context, births []task.Birth) (context.Context, func(error)) {
	if !t.traces || len(births) == 0 {
		return ctx, func(error) {}
	}
	name := string(births[0].Type)
	ctx, span := t.tracer.Start(ctx, "enqueue "+name, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "tidemill"), attribute.String("messaging.destination.name", string(births[0].Queue)),
		attribute.Int("messaging.batch.message_count", len(births))))
	carrier := propagation.MapCarrier{}
	t.w3c.Inject(ctx, carrier)
	for i := range births {
		headers := make(map[string]string, len(births[i].Headers)+len(carrier))
		for k, v := range births[i].Headers {
			headers[k] = v
		}
		for k, v := range carrier {
			headers[k] = v
		}
		births[i].Headers = headers
	}
	return ctx, func(err error) { end(span, err) }
}

// consume is the middleware that opens the consumer span: its own trace, linked
// to the producer's, because a task may run days later, and again.
func (t *telemetry) consume(next Handler) Handler {
	if !t.traces {
		return next
	}
	return func(ctx context.Context, d *Delivery) error {
		from := trace.SpanContextFromContext(t.w3c.Extract(ctx, propagation.MapCarrier(d.Headers)))
		ctx, span := t.tracer.Start(ctx, "run "+string(d.Type), trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithLinks(trace.Link{SpanContext: from}), trace.WithAttributes(
				attribute.String("messaging.system", "tidemill"), attribute.String("messaging.destination.name", string(d.Queue)),
				attribute.String("messaging.message.id", d.ID.String()), attribute.Int("tidemill.attempt", d.Attempt)))
		err := errPanicked // unless it returns
		defer func() { end(span, err) }()
		err = next(ctx, d)
		return err
	}
}

var errPanicked = errors.New("panic")

func end(span trace.Span, err error) {
	if later := (*snooze)(nil); err != nil && !errors.As(err, &later) {
		span.SetStatus(codes.Error, cmp.Or(clip(err.Error()), "failed"))
	}
	span.End()
}
