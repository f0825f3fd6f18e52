package task

import (
	"encoding/hex"
	"fmt"
)

// Digest stands for what a handler reported: the first half of a SHA-256, over
// what docs/FORMAT.md says. Zero: it reported nothing.
type Digest [16]byte

// ParseDigest reads the 32 hex digits of a digest. Errors wrap [ErrInvalidOption].
func ParseDigest(s string) (Digest, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Digest{}) {
		return Digest{}, fmt.Errorf("%w: digest %q: want 32 hex digits", ErrInvalidOption, clip(s))
	}
	return Digest(b), nil
}

// IsZero reports whether d stands for nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns 32 hex digits; of the zero digest nothing.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// MarshalText and UnmarshalText make digests strings in JSON.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	if *d = (Digest{}); len(b) > 0 {
		*d, err = ParseDigest(string(b))
	}
	return err
}
