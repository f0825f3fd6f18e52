package task

import (
	"fmt"
	"strings"
)

// MaxVersion bounds the version of a program, in bytes.
const MaxVersion = 64

// ValidVersion checks the version that a program gives itself: letters, digits and
// the marks of a version, none of which means anything to Redis, a terminal or
// [VersionOf]. The empty one is valid: unknown. Errors wrap [ErrInvalidOption].
func ValidVersion(v string) error {
	if len(v) > MaxVersion {
		return fmt.Errorf("%w: version of %d bytes, at most %d", ErrInvalidOption, len(v), MaxVersion)
	}
	for _, c := range []byte(v) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._+-", c) >= 0) {
			return fmt.Errorf("%w: version %q: want letters, digits, and . _ + -", ErrInvalidOption, v)
		}
	}
	return nil
}

// ConsumerName joins the name of an incarnation with the version of its program, so
// that every event that names the one tells the other.
func ConsumerName(name, version string) string {
	if version == "" {
		return name
	}
	return name + "@" + version
}

// VersionOf is the version in the name of a consumer; empty: unknown.
func VersionOf(consumer string) string {
	_, version, _ := strings.Cut(consumer, "@")
	return version
}
