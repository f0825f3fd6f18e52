package redisproc_test

import (
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
)

func TestSplitImage(t *testing.T) {
	t.Parallel()
	for image, want := range map[string][2]string{
		redisproc.DefaultImage: {"tidemill-redis", "local"},
		"redis":                {"redis", "latest"},
		"host:5000/redis":      {"host:5000/redis", "latest"},
		"host:5000/redis:7":    {"host:5000/redis", "7"},
		"redis@sha256:abcd":    {"redis@sha256", "abcd"}, // dockertest joins them again
	} {
		if r, tag := redisproc.SplitImage(image); [2]string{r, tag} != want {
			t.Errorf("%s: got %s and %s, want %v", image, r, tag, want)
		}
	}
}
