package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"

	"github.com/tidemill/tidemill/internal/redisproc"
)

const (
	engineWithin  = 2 * time.Second  // to learn whether there is an engine
	requestWithin = 30 * time.Second // for each request to it
	insidePort    = "6379/tcp"

	labelHome  = "tidemill.rig.home"  // where the pid means something
	labelOwner = "tidemill.rig.owner" // the pid of who made it
)

// engine connects to the Docker engine and makes sure that it has the image:
// dockertest would go and pull it.
func engine(ctx context.Context, image string) (*dockertest.Pool, error) {
	pool, err := dockertest.NewPool("")
	if err != nil {
		return nil, fmt.Errorf("%w: no Docker engine: %w", ErrMissing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, engineWithin)
	defer cancel()
	if err := pool.Client.PingWithContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: no Docker engine answers: %w", ErrMissing, err)
	}
	pool.Client.SetTimeout(requestWithin)
	_, err = pool.Client.InspectImage(image)
	if errors.Is(err, docker.ErrNoSuchImage) {
		return nil, fmt.Errorf("%w: docker has no image %s: make docker-image (%s may name another)", ErrMissing, image, redisproc.ImageEnv)
	}
	return pool, err
}

// create runs the image on a port of 127.0.0.1 that is chosen here: one that the
// engine chose would be another after every start.
func create(pool *dockertest.Pool, c Config, owner int) (it *dockertest.Resource, addr string, err error) {
	if addr, err = redisproc.FreeAddr(); err != nil {
		return nil, "", err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", err
	}
	repository, tag := redisproc.SplitImage(c.Image)
	o := &dockertest.RunOptions{
		Name: fmt.Sprintf("tidemill-rig-%d-%s", owner, port), Repository: repository, Tag: tag,
		ExposedPorts: []string{insidePort}, Cmd: c.command(), Labels: labels(owner),
		PortBindings: map[docker.Port][]docker.PortBinding{insidePort: {{HostIP: host, HostPort: port}}},
	}
	network := func(h *docker.HostConfig) { h.NetworkMode = redisproc.Network() }
	if it, err = pool.RunWithOptions(o, network); err != nil {
		return nil, "", errors.Join(err, pool.RemoveContainerByName(o.Name)) // made, perhaps, and not started
	}
	return it, addr, nil
}

// command is what runs in the container. Whoever reaches the published port comes
// from elsewhere, as the server sees it.
func (c Config) command() []string {
	a := []string{"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""}
	a = append(a, c.args()...)
	return append(append(a, "--enable-debug-command", "yes"), c.Args...)
}

// labels tell who made a container.
func labels(owner int) map[string]string {
	return map[string]string{labelHome: home(), labelOwner: strconv.Itoa(owner)}
}

// home is where process ids mean what they mean here: an engine may serve several
// machines, and several containers with processes of their own.
func home() string {
	name, _ := os.Hostname()
	space, _ := os.Readlink("/proc/self/ns/pid") // on Linux alone
	return name + " " + space
}

// sweep removes the containers whose makers are dead.
func sweep(ctx context.Context, pool *dockertest.Pool) error {
	all, err := pool.Client.ListContainers(docker.ListContainersOptions{
		All: true, Context: ctx, Filters: map[string][]string{"label": {labelHome + "=" + home()}},
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		owner, err := strconv.Atoi(c.Labels[labelOwner])
		if err != nil || !errors.Is(syscall.Kill(owner, 0), syscall.ESRCH) {
			continue
		}
		// Another Start may be at it too; what stays is found by the next one.
		_ = pool.Client.RemoveContainer(docker.RemoveContainerOptions{ID: c.ID, Force: true, RemoveVolumes: true, Context: ctx})
	}
	return nil
}
