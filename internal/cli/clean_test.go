package cli

import (
	"encoding/json"
	"testing"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ünï 漢 🙂":        "plain ünï 漢 🙂",
		"\x1b]0;owned\x07":     `\x1b]0;owned\x07`,
		"\u009b31m":            `\x9b31m`,
		"bad \xff\xfe utf8":    `bad \xff\xfe utf8`,
		"tab\tstays":           "tab\tstays",
		"new\nline\r":          `new\x0aline\x0d`,
		"turned \u202etxt.exe": `turned \u202etxt.exe`,
		"hidden\u200b\u2028":   `hidden\u200b\u2028`,
		"a real � replacement": "a real � replacement",
		"\x7f":                 `\x7f`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q): got %s, want %s", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"short": "short", "exactly 10": "exactly 10", "one too many": "one too m…",
		"a\nb\tc": "a; b c", "äöüäöüäöüäöü": "äöüäöüäöü…",
	} {
		if got := clip(in, 10); got != want {
			t.Errorf("clip(%q): got %s, want %s", in, got, want)
		}
	}
}

func TestMarshalLine(t *testing.T) {
	t.Parallel()
	in := map[string]string{"<k>": "\x1b[0m \u009b \u202e \U000e0001 & \x7f"}
	b, err := marshalLine(in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"<k>":"\u001b[0m \u009b \u202e \udb40\udc01 & \u007f"}` + "\n"
	if string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	var back map[string]string
	if err := json.Unmarshal(b, &back); err != nil || back["<k>"] != in["<k>"] {
		t.Errorf("got %q back, %v", back, err)
	}
}
