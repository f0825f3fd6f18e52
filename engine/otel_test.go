package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/tidemill/tidemill/engine"
)

// tracing records spans, as far as these tests look at them. Like an SDK it does
// not record what comes from a remote parent that is not sampled.
type tracing struct {
	tracenoop.TracerProvider
	mu    sync.Mutex
	spans []*span
	last  uint64
}

type span struct {
	tracenoop.Span
	of     *tracing
	name   string
	id     trace.SpanContext
	parent trace.SpanContext
	config trace.SpanConfig
	status codes.Code
	ended  int
}

func (p *tracing) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{of: p} }

type tracer struct {
	tracenoop.Tracer
	of *tracing
}

func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	p := t.of
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &span{of: p, name: name, config: trace.NewSpanStartConfig(opts...)}
	if !s.config.NewRoot() {
		s.parent = trace.SpanContextFromContext(ctx)
	}
	p.last++
	ids := trace.SpanContextConfig{TraceID: s.parent.TraceID(), TraceFlags: trace.FlagsSampled}
	binary.BigEndian.PutUint64(ids.SpanID[:], p.last)
	if !s.parent.IsValid() {
		binary.BigEndian.PutUint64(ids.TraceID[:], p.last)
	}
	if s.parent.IsRemote() && !s.parent.IsSampled() {
		ids.TraceFlags = 0
	} else {
		p.spans = append(p.spans, s)
	}
	s.id = trace.NewSpanContext(ids)
	return trace.ContextWithSpan(ctx, s), s
}

func (s *span) SpanContext() trace.SpanContext { return s.id }

func (s *span) SetStatus(c codes.Code, _ string) { s.set(func() { s.status = c }) }

func (s *span) End(...trace.SpanEndOption) { s.set(func() { s.ended++ }) }

func (s *span) set(change func()) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	change()
}

// named returns the recorded spans of a name.
func (p *tracing) named(name string) []span {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []span
	for _, s := range p.spans {
		if s.name == name {
			found = append(found, *s)
		}
	}
	return found
}

// TestSpans: a producer span in the trace of the request, its context in the
// headers as W3C has it, and a consumer span of its own trace, linked to it, for
// every run.
func TestSpans(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := &tracing{}
		eng := w.open(engine.Options{TracerProvider: p})
		typ := engine.Define[string]("t", engine.Retry(1), quickly, engine.Header("tenant", "acme"))
		var headers sync.Map
		engine.Handle(eng, typ, func(ctx context.Context, what string) error {
			d, _ := engine.Current(ctx)
			headers.Store(what, d.Headers)
			if !trace.SpanContextFromContext(ctx).IsValid() {
				t.Error("no span in the handler's context")
			}
			switch {
			case what == "fail":
				return errBoom
			case what == "panic":
				panic(errBoom)
			case what == "snooze" && d.DueMs == 0:
				return engine.Snooze(time.Millisecond)
			}
			return nil
		})
		w.run(eng)
		request, root := p.Tracer("").Start(t.Context(), "request")
		for what, want := range map[string][]codes.Code{
			"succeed": {codes.Unset}, "fail": {codes.Error, codes.Error}, "panic": {codes.Error, codes.Error},
			"snooze": {codes.Unset, codes.Unset},
		} {
			made, err := typ.Enqueue(request, eng, what)
			if err != nil {
				t.Fatal(err)
			}
			w.wait(made.ID)
			produced := p.named("enqueue t")
			from := produced[len(produced)-1]
			expect(t, "kind", from.config.SpanKind(), trace.SpanKindProducer)
			expect(t, "parent", from.parent.SpanID(), root.SpanContext().SpanID())
			expect(t, "trace", from.id.TraceID(), root.SpanContext().TraceID())
			expect(t, "ended", from.ended, 1)
			got, _ := headers.Load(what)
			traceparent := fmt.Sprintf("00-%s-%s-01", from.id.TraceID(), from.id.SpanID())
			if diff := cmp.Diff(map[string]string{"tenant": "acme", "traceparent": traceparent}, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			var statuses []codes.Code
			for _, run := range p.named("run t") {
				if !hasAttribute(run, "messaging.message.id", made.ID.String()) {
					continue
				}
				statuses = append(statuses, run.status)
				expect(t, "kind", run.config.SpanKind(), trace.SpanKindConsumer)
				expect(t, "new trace", run.id.TraceID() != from.id.TraceID() && !run.parent.IsValid(), true)
				expect(t, "ended", run.ended, 1)
				links := run.config.Links()
				if len(links) != 1 || links[0].SpanContext.SpanID() != from.id.SpanID() || links[0].SpanContext.TraceID() != from.id.TraceID() {
					t.Errorf("links %v, want one to the producer", links)
				}
			}
			if !slices.Equal(statuses, want) {
				t.Errorf("%s: statuses %v, want %v", what, statuses, want)
			}
		}
		expect(t, "spans of the probe", len(p.named("probe")), 0)
	})
}

func hasAttribute(s span, key, value string) bool {
	return slices.Contains(s.config.Attributes(), attribute.String(key, value))
}

// TestSpanOfAFailedEnqueue ends, as an error.
func TestSpanOfAFailedEnqueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1)))
	p := &tracing{}
	eng := w.open(engine.Options{TracerProvider: p})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Define[int]("t").Enqueue(ctx, eng, 1); err == nil {
		t.Fatal("no error")
	}
	spans := p.named("enqueue t")
	if len(spans) != 1 || spans[0].ended != 1 || spans[0].status != codes.Error {
		t.Errorf("spans %+v", spans)
	}
}

// metering records metrics: sums of counters and counts of histograms, by name
// and labels.
type metering struct {
	metricnoop.MeterProvider
	mu       sync.Mutex
	got      map[string]int64
	callback metric.Callback
	ended    bool
}

type meter struct {
	metricnoop.Meter
	of *metering
}

type counter struct {
	metricnoop.Int64Counter
	of   *metering
	name string
}

type histogram struct {
	metricnoop.Float64Histogram
	of   *metering
	name string
}

type registration struct {
	metricnoop.Registration
	of *metering
}

func (p *metering) Meter(string, ...metric.MeterOption) metric.Meter { return meter{of: p} }

func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{of: m.of, name: name}, nil
}

func (m meter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return histogram{of: m.of, name: name}, nil
}

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.of.callback = f
	return registration{of: m.of}, nil
}

func (r registration) Unregister() error {
	r.of.ended = true
	return nil
}

func (counter) Enabled(context.Context) bool { return true }

func (c counter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	c.of.note(c.name, n, metric.NewAddConfig(opts).Attributes())
}

func (h histogram) Record(_ context.Context, v float64, opts ...metric.RecordOption) {
	if v < 0 || v > patience.Seconds() {
		h.of.note(h.name+" out of range", 1, attribute.Set{})
	}
	h.of.note(h.name, 1, metric.NewRecordConfig(opts).Attributes())
}

func (p *metering) note(name string, n int64, labels attribute.Set) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var text []string
	for _, kv := range labels.ToSlice() {
		text = append(text, kv.Value.String())
	}
	p.got[strings.TrimPrefix(name, "tidemill.")+" "+strings.Join(text, " ")] += n
}

// depths is what a collector observes.
type depths struct {
	metricnoop.Observer
	of *metering
}

func (d depths) ObserveInt64(_ metric.Int64Observable, n int64, opts ...metric.ObserveOption) {
	d.of.note("depth", n, metric.NewObserveConfig(opts).Attributes())
}

func TestMetrics(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := &metering{got: map[string]int64{}}
		eng := w.open(engine.Options{MeterProvider: p, Observer: engine.Observer{}})
		typ := engine.Define[int]("t", engine.Retry(1), quickly)
		engine.Handle(eng, typ, func(_ context.Context, n int) error {
			if n == 0 {
				return errBoom
			}
			return nil
		})
		stop := w.run(eng)
		w.wait(enqueue(t, eng, typ, 1))
		w.wait(enqueue(t, eng, typ, 1, engine.In(time.Millisecond)))
		w.wait(enqueue(t, eng, typ, 0))
		enqueue(t, eng, typ, 1, engine.In(time.Hour))
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := p.callback(t.Context(), depths{of: p}); err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{
			"tasks.enqueued default": 4,
			// labels in the order of their names: outcome, queue, type
			"tasks.settled succeeded default t": 2, "tasks.settled retry default t": 1, "tasks.settled dead default t": 1,
			"task.run_time succeeded default t": 2, "task.run_time retry default t": 1, "task.run_time dead default t": 1,
			"task.pickup default t":   4,
			"task.lateness default t": 2,
			"depth default waiting":   1, "depth default ready": 0, "depth default running": 0, "depth default dead": 1,
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if diff := cmp.Diff(want, p.got); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	})
}

func TestMetricsEndWithTheEngine(t *testing.T) {
	t.Parallel()
	p := &metering{got: map[string]int64{}}
	eng, err := engine.Open(t.Context(), "mem://", engine.Options{MeterProvider: p})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "callback unregistered", p.ended, true)
}
