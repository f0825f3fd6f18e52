package wire

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Opts packs options as comma-separated letters with a number: r retries, t
// timeout ms, d deadline ms, b attempts of earlier lives, c crashes, u key ttl
// ms; k is the idempotency key, query-escaped. Zero values are left out, so
// that the usual task has an empty field. Lua reads d alone.
func Opts(o task.Opts) string {
	if o == (task.Opts{}) {
		return ""
	}
	b := make([]byte, 0, 64)
	num := func(letter byte, n int64) {
		if n != 0 {
			b = append(b, letter)
			b = strconv.AppendInt(b, n, 10)
			b = append(b, ',')
		}
	}
	num('r', int64(o.Retries))
	num('t', o.Timeout.Milliseconds())
	if !o.Deadline.IsZero() {
		num('d', o.Deadline.UnixMilli())
	}
	num('b', int64(o.Base))
	num('c', int64(o.Crashes))
	num('u', o.KeyTTL.Milliseconds())
	if o.Key != "" {
		b = append(b, 'k')
		b = append(b, url.QueryEscape(o.Key)...)
		b = append(b, ',')
	}
	return strings.TrimSuffix(string(b), ",")
}

// ParseOpts is the reverse of Opts. Letters it does not know are passed over.
func ParseOpts(s string) (task.Opts, error) {
	var o task.Opts
	for s != "" {
		var item string
		item, s, _ = strings.Cut(s, ",")
		if item == "" {
			return o, ErrCorrupt
		}
		if err := option(&o, item[0], item[1:]); err != nil {
			return task.Opts{}, err
		}
	}
	return o, nil
}

func option(o *task.Opts, letter byte, value string) error {
	if letter == 'k' {
		key, err := url.QueryUnescape(value)
		if err != nil {
			return ErrCorrupt
		}
		o.Key = key
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case letter < 'a' || letter > 'z':
		return ErrCorrupt
	case err != nil:
		if known := strings.IndexByte("rtdbcu", letter) >= 0; known {
			return ErrCorrupt
		}
	case letter == 'r':
		o.Retries = int(n)
	case letter == 't':
		o.Timeout = time.Duration(n) * time.Millisecond
	case letter == 'd':
		o.Deadline = time.UnixMilli(n)
	case letter == 'b':
		o.Base = int(n)
	case letter == 'c':
		o.Crashes = int(n)
	case letter == 'u':
		o.KeyTTL = time.Duration(n) * time.Millisecond
	}
	return nil
}
