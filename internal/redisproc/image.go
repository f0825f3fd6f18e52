package redisproc

import (
	"cmp"
	"os"
	"strings"
)

// Where the server is a Docker image: the variable that names it, the image that
// tools/redis-image.sh makes of this machine's server, and the variable that names
// the Docker network its containers join.
const (
	ImageEnv     = "TIDEMILL_TEST_IMAGE"
	DefaultImage = "tidemill-redis:local"
	NetworkEnv   = "TIDEMILL_TEST_NETWORK"
)

// Image names the Docker image that has a server.
func Image() string { return cmp.Or(os.Getenv(ImageEnv), DefaultImage) }

// Network names the Docker network for the containers; "" is the engine's own choice.
func Network() string { return os.Getenv(NetworkEnv) }

// SplitImage cuts the tag off; a colon before the last slash is a port.
func SplitImage(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}
