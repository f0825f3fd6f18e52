package redistest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
	"github.com/redis/go-redis/v9"
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
	image := cmp.Or(os.Getenv(envImage), defaultImage)
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
	repository, tag := splitImage(image)
	c, err := pool.RunWithOptions(
		&dockertest.RunOptions{Repository: repository, Tag: tag, ExposedPorts: []string{redisPort}},
		func(h *docker.HostConfig) { h.AutoRemove = true },
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

// splitImage cuts the tag off; a colon before the last slash is a port.
func splitImage(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}

// Container runs a server in a container of its own, with a published loopback
// port, for tests of exactly that. Without an engine it skips, unless
// TIDEMILL_REQUIRE_DOCKER=1, which CI sets.
func Container(tb testing.TB) string {
	tb.Helper()
	notShort(tb)
	s, err := fromDocker(tb.Context())
	if errors.Is(err, errAbsent) && os.Getenv(envRequireDocker) != "1" {
		tb.Skip("no Docker engine answers")
	}
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
