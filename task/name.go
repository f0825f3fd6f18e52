package task

import "fmt"

// Queue names a queue, Type the kind of work a task is.
type (
	Queue string
	Type  string
)

// MaxName is the longest name in bytes.
const MaxName = 64

// ValidName refuses what is not ^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$. Names of
// namespaces, queues and types pass it before they enter a key, so that two
// names never make one key. Errors wrap [ErrInvalidName]; what says which name.
func ValidName(what, s string) error {
	if s == "" {
		return fmt.Errorf("%w: %s is empty", ErrInvalidName, what)
	}
	if len(s) > MaxName {
		return fmt.Errorf("%w: %s %q is longer than %d characters", ErrInvalidName, what, clip(s), MaxName)
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && (i == 0 || c != '_' && c != '.' && c != ':' && c != '-') {
			return fmt.Errorf("%w: %s %q: letters, digits and _.:- only, a letter or digit first", ErrInvalidName, what, clip(s))
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
