package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidemill/tidemill/engine"
)

func TestHealthAddr(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"8080": "127.0.0.1:8080", "0": "127.0.0.1:0", ":8080": ":8080", "0.0.0.0:1": "0.0.0.0:1", "[::1]:80": "[::1]:80", "localhost:80": "localhost:80",
	} {
		if got, err := healthAddr(addr); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", addr, got, err, want)
		}
	}
	for _, addr := range []string{"x", "1.2.3.4", "localhost:", "localhost:http", ":70000", "70000", "-1"} {
		got, err := healthAddr(addr)
		if err == nil {
			t.Errorf("%s: got %s, want an error", addr, got)
		} else if code, _ := classify(err); code != exitUsage {
			t.Errorf("%s: got exit code %d: %v", addr, code, err)
		}
	}
}

func TestHealthAnswers(t *testing.T) {
	t.Parallel()
	var state error
	s := httptest.NewServer(healthHandler(func(context.Context) error { return state }))
	t.Cleanup(s.Close)
	ask := func(path string) string {
		t.Helper()
		r, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", r.StatusCode, body)
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "200 ok\n"},
		{errors.New("3 of 4 handlers ignore their context"), "503 3 of 4 handlers ignore their context\n"},
		{fmt.Errorf("%w: dial 10.1.2.3:6379", engine.ErrUnavailable), "503 redis does not answer\n"},
		{context.DeadlineExceeded, "503 redis does not answer\n"},
	} {
		state = tt.err
		if got := ask("/readyz"); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
		if got := ask("/healthz"); got != "200 ok\n" {
			t.Errorf("%v: healthz: got %q", tt.err, got)
		}
	}
	state = fmt.Errorf("ready: %w", engine.ErrDraining)
	if got, want := ask("/readyz"), "503 draining\n"; got != want {
		t.Errorf("stopped: got %q, want %q", got, want)
	}
	if got := ask("/healthz"); got != "200 ok\n" {
		t.Errorf("stopped: healthz: got %q", got)
	}
}

func TestHealthListens(t *testing.T) {
	t.Parallel()
	h, err := startHealth(t.Context(), "0", func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	r, err := http.Get("http://" + h.addr() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if _, err := startHealth(t.Context(), h.addr(), nil); err == nil {
		t.Error("a taken address: got nil, want an error")
	}
	none, err := startHealth(t.Context(), "", nil)
	if err != nil || none.addr() != "" {
		t.Errorf("no address: got %q, %v", none.addr(), err)
	}
	none.close()
}
