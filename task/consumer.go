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
	if strings.IndexFunc(v, unnamed) >= 0 {
		return fmt.Errorf("%w: version %q: want letters, digits, and . _ + -", ErrInvalidOption, v)
	}
	return nil
}

// unnamed are the characters that neither a version nor a host in a name may have.
func unnamed(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._+-", c))
}

// MaxHost bounds the host in the name of a consumer, in bytes.
const MaxHost = 64

// ConsumerName joins the name of an incarnation with the version of its program and
// the host it runs on, so that every event that names the one tells the others. Of a
// host what a version may not have is a hyphen, and what is too long is cut.
func ConsumerName(name, version, host string) string {
	host = strings.Map(func(c rune) rune {
		if unnamed(c) {
			return '-'
		}
		return c
	}, host)
	host = host[:min(len(host), MaxHost)]
	return strings.TrimRight(name+"@"+version+"@"+host, "@")
}

// VersionOf is the version in the name of a consumer; empty: unknown.
func VersionOf(consumer string) string {
	_, version, _ := strings.Cut(consumer, "@")
	version, _, _ = strings.Cut(version, "@")
	return version
}

// HostOf is the host in the name of a consumer; empty: unknown.
func HostOf(consumer string) string {
	_, rest, _ := strings.Cut(consumer, "@")
	_, host, _ := strings.Cut(rest, "@")
	return host
}
