package redisproc

import (
	"cmp"
	"os"
	"strings"
)

// Where the server is a Docker image: the variable that names it, and the image
// that tools/redis-image.sh makes of this machine's server.
const (
	ImageEnv     = "TIDEMILL_TEST_IMAGE"
	DefaultImage = "tidemill-redis:local"
)

// Image names the Docker image that has a server.
func Image() string { return cmp.Or(os.Getenv(ImageEnv), DefaultImage) }

// SplitImage cuts the tag off; a colon before the last slash is a port.
func SplitImage(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}
