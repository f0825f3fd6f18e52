package check

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// opts are the settings of a task that the checker looks at.
type opts struct {
	key   string
	ttlMs int64 // of the key
}

// parseOpts reads words with a comma between; unknown letters are passed over.
func parseOpts(s string) (o opts) {
	for word := range strings.SplitSeq(s, ",") {
		if word == "" {
			continue
		}
		switch value := word[1:]; word[0] {
		case 'k':
			if key, err := url.QueryUnescape(value); err == nil {
				o.key = key
			}
		case 'u':
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				o.ttlMs = n
			}
		}
	}
	return o
}

// netstrings splits 3:abc0: into "abc" and "".
func netstrings(b []byte) (out []string, err error) {
	for len(b) > 0 {
		head, rest, ok := bytes.Cut(b, []byte(":"))
		n, bad := strconv.Atoi(string(head))
		if !ok || bad != nil || n < 0 || n > len(rest) {
			return nil, fmt.Errorf("netstring %.20q", b)
		}
		out, b = append(out, string(rest[:n])), rest[n:]
	}
	return out, nil
}
