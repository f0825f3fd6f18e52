package redistest

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// fakeEngine speaks as much of the Docker API as it takes to run one image,
// behind whose published port is the server at addr.
func fakeEngine(t *testing.T, image, addr string) (host string, removed *atomic.Int32) {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	removed = new(atomic.Int32)
	container := map[string]any{
		"Id": "c1",
		"NetworkSettings": map[string]any{"Ports": map[string]any{
			redisPort: []map[string]string{{"HostIp": "127.0.0.1", "HostPort": port}},
		}},
	}
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(v) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", answer("OK"))
	mux.HandleFunc("GET /images/"+image+"/json", answer(map[string]string{"Id": "i1"}))
	mux.HandleFunc("POST /containers/create", answer(container))
	mux.HandleFunc("POST /containers/c1/start", answer(nil))
	mux.HandleFunc("GET /containers/c1/json", answer(container))
	mux.HandleFunc("DELETE /containers/c1", func(http.ResponseWriter, *http.Request) { removed.Add(1) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return "tcp://" + s.Listener.Addr().String(), removed
}

func TestDocker(t *testing.T) {
	t.Parallel()
	inside := Start(t, redisproc.Options{TCP: true})
	addr := strings.TrimPrefix(inside.URL(), "redis://")

	t.Run("runs the image and removes the container", func(t *testing.T) {
		t.Parallel()
		host, removed := fakeEngine(t, redisproc.DefaultImage, addr)
		out, ok := child(t, []string{"DOCKER_HOST=" + host})
		if want := "url=" + inside.URL() + "\n"; !ok || !strings.Contains(out, want) {
			t.Errorf("got %v and this, want %q:\n%s", ok, want, out)
		}
		if n := removed.Load(); n != 1 {
			t.Errorf("removed %d times, want 1", n)
		}
	})
	t.Run("does not pull", func(t *testing.T) {
		t.Parallel()
		host, _ := fakeEngine(t, redisproc.DefaultImage, addr)
		out, ok := child(t, []string{"DOCKER_HOST=" + host, envImage + "=other:1"})
		if want := "docker has no image other:1"; ok || !strings.Contains(out, want) {
			t.Errorf("got %v and this, want %q:\n%s", ok, want, out)
		}
	})
}
