package wire

import (
	"errors"
	"slices"
	"strconv"
)

// ErrCorrupt: bytes that no version of this package wrote.
var ErrCorrupt = errors.New("corrupt record")

// Strings packs values as netstrings without the trailing comma: "3:abc0:". It
// is binary safe and takes one line to read in any language, Lua included.
func Strings(values ...string) string {
	var b []byte
	for _, v := range values {
		b = strconv.AppendInt(b, int64(len(v)), 10)
		b = append(b, ':')
		b = append(b, v...)
	}
	return string(b)
}

// Split is the reverse of Strings.
func Split(s string) ([]string, error) {
	var values []string
	for s != "" {
		v, rest, err := next(s)
		if err != nil {
			return nil, err
		}
		values, s = append(values, v), rest
	}
	return values, nil
}

func next(s string) (value, rest string, err error) {
	n := 0
	for i := 0; i < len(s) && i < 10; i++ {
		c := s[i]
		if c == ':' && i > 0 {
			if n > len(s)-i-1 {
				break
			}
			return s[i+1 : i+1+n], s[i+1+n:], nil
		}
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return "", "", ErrCorrupt
}

// Headers packs a map, its keys sorted.
func Headers(h map[string]string) string {
	if len(h) == 0 {
		return ""
	}
	names := make([]string, 0, len(h))
	for k := range h {
		names = append(names, k)
	}
	slices.Sort(names)
	pairs := make([]string, 0, 2*len(h))
	for _, k := range names {
		pairs = append(pairs, k, h[k])
	}
	return Strings(pairs...)
}

// ParseHeaders is the reverse of Headers.
func ParseHeaders(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	pairs, err := Split(s)
	if err != nil || len(pairs)%2 != 0 {
		return nil, ErrCorrupt
	}
	h := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	return h, nil
}
