package wire

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Opts packs options as comma-separated letters with a number: r retries, t
// timeout ms, d deadline ms, b attempts of earlier lives, c crashes, n
// meetings with nodes that had no handler, u key ttl ms; k is the idempotency key, query-escaped. Zero values are left out, so
// that the usual task has an empty field; what is not zero does not become zero:
// durations are rounded up and a deadline before 1970 is as past as 1 ms after.
// Lua reads d alone.
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
	num('t', ceilMs(o.Timeout))
	if !o.Deadline.IsZero() {
		num('d', max(1, o.Deadline.UnixMilli()))
	}
	num('b', int64(o.Base))
	num('c', int64(o.Crashes))
	num('n', int64(o.Unrouted))
	num('u', ceilMs(o.KeyTTL))
	if o.Key != "" {
		b = append(b, 'k')
		b = append(b, url.QueryEscape(o.Key)...)
		b = append(b, ',')
	}
	return strings.TrimSuffix(string(b), ",")
}

// ceilMs returns milliseconds, rounded up.
func ceilMs(d time.Duration) int64 {
	ms := d.Milliseconds()
	if d%time.Millisecond > 0 {
		ms++
	}
	return ms
}

// ParseOpts is the reverse of Opts. Letters it does not know are passed over.
func ParseOpts(s string) (task.Opts, error) {
	var o task.Opts
	for s != "" {
		var item string
		item, s, _ = strings.Cut(s, ",")
		if item == "" {
			return task.Opts{}, ErrCorrupt
		}
		if err := option(&o, item[0], item[1:]); err != nil {
			return task.Opts{}, err
		}
	}
	return o, nil
}

func option(o *task.Opts, letter byte, value string) (err error) {
	switch letter {
	case 'r':
		o.Retries, err = count(value)
	case 't':
		o.Timeout, err = span(value)
	case 'd':
		o.Deadline, err = moment(value)
	case 'b':
		o.Base, err = count(value)
	case 'c':
		o.Crashes, err = count(value)
	case 'n':
		o.Unrouted, err = count(value)
	case 'u':
		o.KeyTTL, err = span(value)
	case 'k':
		o.Key, err = url.QueryUnescape(value)
	default:
		if letter < 'a' || letter > 'z' {
			return ErrCorrupt
		}
	}
	if err != nil {
		return ErrCorrupt
	}
	return nil
}

// count reads a number that fits the int of every platform.
func count(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err
}

func span(s string) (time.Duration, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	d := time.Duration(n) * time.Millisecond
	if d.Milliseconds() != n {
		return 0, ErrCorrupt // it overflowed
	}
	return d, err
}

func moment(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if n < 1 {
		return time.Time{}, ErrCorrupt
	}
	return time.UnixMilli(n), err
}
