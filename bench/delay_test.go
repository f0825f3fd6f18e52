package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// TestDelay: every round trip takes that much more, and what is sent arrives whole.
func TestDelay(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	r := newRun(Options{Namespace: "bench"}, &server{url: url, db: client(t, url)})
	const by = 5 * time.Millisecond
	end, err := r.slow(by)
	if err != nil {
		t.Fatal(err)
	}
	if r.url == url || r.db == r.server.db {
		t.Error("the round goes past the delay")
	}
	for range 10 {
		began := time.Now()
		if err := r.db.Ping(t.Context()).Err(); err != nil || time.Since(began) < by {
			t.Errorf("answered after %v, %v, want %v at least", time.Since(began), err, by)
		}
	}
	long := strings.Repeat("0123456789", 100_000)
	if err := r.db.Set(t.Context(), "long", long, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := r.db.Get(t.Context(), "long").Result(); got != long || err != nil {
		t.Errorf("got %d bytes back, %v, want the %d that were sent", len(got), err, len(long))
	}
	end()
	if err := client(t, r.url).Ping(t.Context()).Err(); err == nil {
		t.Error("it answers after its end")
	}
}
