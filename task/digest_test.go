package task

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestDigestText(t *testing.T) {
	t.Parallel()
	const text = "df2fe9f917abdb1c0515ef22f03c6f17"
	d, err := ParseDigest(text)
	if err != nil || d.String() != text || d.IsZero() {
		t.Errorf("got %s, %v, want %s", d, err, text)
	}
	type line struct {
		D Digest `json:"d,omitzero"`
	}
	for want, l := range map[string]line{`{"d":"` + text + `"}`: {d}, `{}`: {}} {
		b, err := json.Marshal(l)
		if err != nil || string(b) != want {
			t.Errorf("got %s, %v, want %s", b, err, want)
		}
		got := line{Digest{1}}
		if want == "{}" {
			b = []byte(`{"d":""}`)
		}
		if err := json.Unmarshal(b, &got); err != nil || got != l {
			t.Errorf("%s: got %v, %v, want %v", b, got, err, l)
		}
	}
	for _, bad := range []string{"", "0", text[1:], text + "00", "g" + text[1:], strings.Repeat("x", 1000)} {
		if d, err := ParseDigest(bad); !errors.Is(err, ErrInvalidOption) || !d.IsZero() {
			t.Errorf("%.40q: got %s, %v", bad, d, err)
		}
	}
}
