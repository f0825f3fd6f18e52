package task

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", MaxName)
	tests := []struct {
		name string
		ok   bool
	}{
		{"a", true},
		{"Z", true},
		{"0", true},
		{"email.send", true},
		{"a_b.c:d-e", true},
		{"a" + long[1:], true},
		{long[1:] + "-", true},

		{"", false},
		{long + "a", false},
		{strings.Repeat("a", 1<<20), false},
		{"_a", false},
		{".a", false},
		{":a", false},
		{"-a", false},
		{"a b", false},
		{"a/b", false}, // ends a part of a key
		{"a{b", false}, // a hash tag of its own
		{"a}b", false},
		{"#next", false}, // the registry's own field
		{"a\x00", false},
		{"a\n", false},
		{"é", false},
		{"aé", false},
		{"a\xff", false},
	}
	for _, tt := range tests {
		err := ValidName("queue", tt.name)
		switch {
		case tt.ok && err != nil:
			t.Errorf("%.80q: got %v, want nil", tt.name, err)
		case !tt.ok && !errors.Is(err, ErrInvalidName):
			t.Errorf("%.80q: got %v, want ErrInvalidName", tt.name, err)
		case !tt.ok && (!strings.Contains(err.Error(), "queue") || len(err.Error()) > 500):
			t.Errorf("%.80q: got %q, want a short text that says which name", tt.name, err)
		}
	}
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

func FuzzValidName(f *testing.F) {
	for _, s := range []string{"", "a", "email.send", "-a", "a/b", "a\n", strings.Repeat("a", 65), "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := ValidName("type", s)
		if got, want := err == nil, namePattern.MatchString(s); got != want {
			t.Errorf("%q: got %v, want valid %t", s, err, want)
		}
	})
}
