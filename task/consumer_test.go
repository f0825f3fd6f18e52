package task

import (
	"errors"
	"strings"
	"testing"
)

func TestConsumerName(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"", "v1.4.2", "a3f1c09be2d4-dirty", "v0.0.0-20261123042200-278ff8c1a2b3+dirty", strings.Repeat("9", MaxVersion)} {
		if err := ValidVersion(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
		for host, want := range map[string]string{"": "", "web-7.example": "web-7.example", "a@b|ä": "a-b--", strings.Repeat("h", 99): strings.Repeat("h", MaxHost)} {
			name := ConsumerName("01M8229DHX42NHE45DSMEJTZFX", v, host)
			if VersionOf(name) != v || HostOf(name) != want || (v+want == "") == strings.Contains(name, "@") {
				t.Errorf("%s: version %q, host %q, want %q, %q", name, VersionOf(name), HostOf(name), v, want)
			}
		}
	}
	for _, v := range []string{"v 1", "a@b", "a|b", "ä", "a\n", "a/b", strings.Repeat("9", MaxVersion+1)} {
		if err := ValidVersion(v); !errors.Is(err, ErrInvalidOption) {
			t.Errorf("%q: %v", v, err)
		}
	}
	if got := VersionOf("recover"); got != "" {
		t.Errorf("got %q", got)
	}
}
