package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

const (
	engineWithin  = 2 * time.Second  // to learn whether there is an engine
	requestWithin = 30 * time.Second // for each request to it
	answerWithin  = 15 * time.Second // from the container's start to its PONG
	redisPort     = "6379/tcp"
)

func fromDocker(ctx context.Context) (server, error) {
	pool, err := engine(ctx)
	if err != nil {
		return server{}, errAbsent
	}
	image := redisproc.Image()
	s, err := contain(ctx, pool, image)
	if errors.Is(err, docker.ErrNoSuchImage) {
		return server{}, fmt.Errorf("%w (docker has no image %s; %s may name another)", errNone, image, envImage)
	}
	if err != nil {
		return server{}, fmt.Errorf("run docker image %s: %w", image, err)
	}
	return s, nil
}

// engine connects to the Docker engine, if one answers.
func engine(ctx context.Context) (*dockertest.Pool, error) {
	pool, err := dockertest.NewPool("")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, engineWithin)
	defer cancel()
	if err := pool.Client.PingWithContext(ctx); err != nil {
		return nil, err
	}
	pool.Client.SetTimeout(requestWithin)
	pool.MaxWait = answerWithin
	return pool, nil
}

// contain runs the image and waits until the server in it answers.
func contain(ctx context.Context, pool *dockertest.Pool, image string) (server, error) {
	if _, err := pool.Client.InspectImage(image); err != nil {
		return server{}, err // dockertest would go and pull it
	}
	repository, tag := redisproc.SplitImage(image)
	c, err := pool.RunWithOptions(
		&dockertest.RunOptions{Repository: repository, Tag: tag, ExposedPorts: []string{redisPort}},
		func(h *docker.HostConfig) { h.AutoRemove, h.NetworkMode = true, redisproc.Network() },
	)
	if err != nil {
		return server{}, err
	}
	s := server{url: "redis://" + c.GetHostPort(redisPort), stop: c.Close}
	o, err := redis.ParseURL(s.url)
	if err != nil {
		return server{}, errors.Join(err, s.stop())
	}
	client := redis.NewClient(o)
	defer client.Close()
	if err := pool.Retry(func() error { return client.Ping(ctx).Err() }); err != nil {
		return server{}, errors.Join(err, s.stop())
	}
	return s, nil
}

// NeedDocker skips a test that runs containers itself where no engine answers,
// unless TIDEMILL_REQUIRE_DOCKER=1, which CI sets.
func NeedDocker(tb testing.TB) {
	tb.Helper()
	notShort(tb)
	_, err := engine(tb.Context())
	if err == nil {
		return
	}
	if os.Getenv(envRequireDocker) != "1" {
		tb.Skip("no Docker engine answers")
	}
	tb.Fatalf("no Docker engine answers: %v", err)
}

// Container runs a server in a container of its own, with a published loopback
// port, for tests of exactly that. Without an engine it is [NeedDocker].
func Container(tb testing.TB) string {
	tb.Helper()
	NeedDocker(tb)
	s, err := fromDocker(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.stop(); err != nil {
			tb.Error(err)
		}
	})
	return s.url
}
