package redistest

import (
	"context"
	"errors"
	"os"

	"github.com/tidemill/tidemill/internal/redisproc"
)

const (
	envURL           = "TIDEMILL_TEST_REDIS"
	envImage         = redisproc.ImageEnv
	envRequireDocker = "TIDEMILL_REQUIRE_DOCKER"
)

var (
	errNone = errors.New("no Redis to test with: install redis-server or valkey-server (apt install redis-server, brew install redis)," +
		" start Docker, or set " + envURL + "=redis://host:port; go test -short needs none")

	// errAbsent is the answer of a source that does not exist on this machine,
	// as opposed to one that is broken.
	errAbsent = errors.New("absent")
)

// server is one that a source has given. Who finds it stops it.
type server struct {
	url  string
	stop func() error
}

// source gives a server, errAbsent, or the error that the tests fail with.
type source func(context.Context) (server, error)

// find asks the sources in turn.
func find(ctx context.Context, sources ...source) (server, error) {
	for _, from := range sources {
		s, err := from(ctx)
		if !errors.Is(err, errAbsent) {
			return s, err
		}
	}
	return server{}, errNone
}

func fromEnv(context.Context) (server, error) {
	url := os.Getenv(envURL)
	if url == "" {
		return server{}, errAbsent
	}
	return server{url: url, stop: func() error { return nil }}, nil
}

func fromPath(ctx context.Context) (server, error) {
	p, err := redisproc.Start(ctx, redisproc.Options{})
	if errors.Is(err, redisproc.ErrNotFound) {
		return server{}, errAbsent
	}
	if err != nil {
		return server{}, err
	}
	return server{url: p.URL(), stop: p.Stop}, nil
}
