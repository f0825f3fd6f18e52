package s3archive_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/contrib/s3archive/internal/s3test"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
)

// The laws of a bucket hold in a directory and in a store alike.
func TestLaws(t *testing.T) {
	t.Parallel()
	store, _ := newBucket(t)
	for kind, b := range map[string]replay.Bucket{"dir": archive.Dir(t.TempDir()), "s3": store} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			puts(t, b)
			gets(t, b)
			lists(t, b)
			deletes(t, b)
		})
	}
}

func puts(t *testing.T, b replay.Bucket) {
	t.Helper()
	for name, content := range map[string]string{"q/0/a": "0123456789", "q/0/empty": "", "q/0/a b+c%2F": "odd"} {
		if err := b.Put(t.Context(), name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := b.Put(t.Context(), name, []byte("other")); !errors.Is(err, replay.ErrExists) {
			t.Errorf("put %s again: %v, want %v", name, err, replay.ErrExists)
		}
		if got, err := b.Get(t.Context(), name, 0, -1); err != nil || string(got) != content {
			t.Errorf("get %s: %q, %v, want %q", name, got, err, content)
		}
	}
	for _, name := range []string{"../x", "/x", "q/../../x"} {
		if err := b.Put(t.Context(), name, nil); err == nil {
			t.Errorf("put %s: it was taken", name)
		}
	}
}

func gets(t *testing.T, b replay.Bucket) {
	t.Helper()
	for _, c := range []struct {
		name    string
		from, n int64
		want    string
	}{
		{"q/0/a", 0, 4, "0123"},
		{"q/0/a", 3, 4, "3456"},
		{"q/0/a", 3, -1, "3456789"},
		{"q/0/a", 8, 100, "89"},
		{"q/0/a", 9, 1, "9"},
		{"q/0/a", 1, 1<<63 - 1, "123456789"},
		{"q/0/a", 4, 0, ""},
		{"q/0/a", 10, 1, ""},
		{"q/0/a", 10, -1, ""},
		{"q/0/a", 50, 5, ""},
		{"q/0/empty", 0, 5, ""},
		{"q/0/empty", 0, 0, ""},
	} {
		got, err := b.Get(t.Context(), c.name, c.from, c.n)
		if err != nil || string(got) != c.want {
			t.Errorf("get %s from %d, %d bytes: %q, %v, want %q", c.name, c.from, c.n, got, err, c.want)
		}
	}
	for _, n := range []int64{-1, 0, 5} {
		if _, err := b.Get(t.Context(), "q/0/none", 0, n); !errors.Is(err, replay.ErrAbsent) {
			t.Errorf("get %d bytes of nothing: %v, want %v", n, err, replay.ErrAbsent)
		}
	}
	if _, err := b.Get(t.Context(), "q/0/a", -1, 5); err == nil {
		t.Error("get from -1: no error")
	}
}

func lists(t *testing.T, b replay.Bucket) {
	t.Helper()
	var want []string
	for i := range 3*s3test.Page + 4 { // several pages of the store and of the client
		name := fmt.Sprintf("r/1/%05d.seg", i)
		want = append(want, name)
		if err := b.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{
		"r/1/":      want,
		"r/1/0000":  want[:10],
		"q/":        {"q/0/a", "q/0/a b+c%2F", "q/0/empty"},
		"":          append([]string{"q/0/a", "q/0/a b+c%2F", "q/0/empty"}, want...),
		"none/":     nil,
		"r/1/00003": want[3:4],
	} {
		var got []string
		for name, err := range b.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("list %q: %q, want %q", prefix, got, want)
		}
	}
	n := 0
	for range b.List(t.Context(), "r/") {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d names before the end, want 3", n)
	}
}

func deletes(t *testing.T, b replay.Bucket) {
	t.Helper()
	for range 2 {
		if err := b.Delete(t.Context(), "q/0/a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Get(t.Context(), "q/0/a", 0, -1); !errors.Is(err, replay.ErrAbsent) {
		t.Errorf("get what was deleted: %v, want %v", err, replay.ErrAbsent)
	}
	if err := b.Put(t.Context(), "q/0/a", nil); err != nil {
		t.Errorf("put what was deleted: %v", err)
	}
}

// Of writers that put the same name one wins, and its content stays.
func TestOneWins(t *testing.T) {
	t.Parallel()
	_, s := newBucket(t)
	const writers = 16
	won := make(chan string, writers)
	for i := range writers {
		b := open(t, s.Place("prod"))
		go func() {
			content := fmt.Sprint("writer ", i)
			switch err := b.Put(t.Context(), "name", []byte(content)); {
			case err == nil:
				won <- content
			case errors.Is(err, replay.ErrExists):
				won <- ""
			default:
				t.Error(err)
				won <- ""
			}
		}()
	}
	var winners []string
	for range writers {
		if w := <-won; w != "" {
			winners = append(winners, w)
		}
	}
	if got := string(s.Object("prod/name")); len(winners) != 1 || winners[0] != got {
		t.Errorf("winners %q, and the store has %q", winners, got)
	}
}

// What passes is tried again; what does not is said at once.
func TestTries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault    s3test.Fault
		times    int
		put, get error // expected; errAny for any
		requests int   // of the get
	}{
		{s3test.Refuse, 1, nil, nil, 2},
		{s3test.Refuse, s3archive.Tries - 1, nil, nil, s3archive.Tries},
		{s3test.Refuse, 100, errAny, errAny, s3archive.Tries},
		{s3test.Conflict, 2, nil, nil, 3},
		{s3test.Lose, 1, replay.ErrExists, nil, 2}, // its own object
		{s3test.Cut, 1, replay.ErrExists, nil, 2},
		{s3test.Deny, 100, errAny, errAny, 1},
	} {
		b, s := newBucket(t)
		fault := func(n int, _ *http.Request) s3test.Fault {
			if n <= c.times {
				return c.fault
			}
			return s3test.None
		}
		s.Fail(fault)
		if err := b.Put(t.Context(), "a", []byte("0123")); !same(err, c.put) {
			t.Errorf("fault %d, %d times: put: %v, want %v", c.fault, c.times, err, c.put)
		}
		s.Set("prod/eu/a", []byte("0123"))
		s.Fail(fault)
		got, err := b.Get(t.Context(), "a", 1, -1)
		if !same(err, c.get) || err == nil && string(got) != "123" || s.Requests() != c.requests {
			t.Errorf("fault %d, %d times: get %q, %v, want %v; %d requests, want %d", c.fault, c.times, got, err, c.get, s.Requests(), c.requests)
		}
	}
}

// A listing goes on where it failed, with each name once.
func TestListFails(t *testing.T) {
	t.Parallel()
	b, s := newBucket(t)
	var want []string
	for i := range 3 * s3test.Page {
		want = append(want, fmt.Sprintf("r/%02d", i))
		s.Set("prod/eu/"+want[i], nil)
	}
	for at := 1; ; at++ {
		s.Fail(func(n int, _ *http.Request) s3test.Fault {
			if n == at {
				return s3test.Cut
			}
			return s3test.None
		})
		var got []string
		for name, err := range b.List(t.Context(), "r/") {
			if err != nil {
				t.Fatalf("request %d fails: %v", at, err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("request %d fails: %q", at, got)
		}
		if s.Requests() < at {
			break
		}
	}
}

var errAny = errors.New("any")

func same(got, want error) bool {
	return want == errAny && got != nil && !errors.Is(got, replay.ErrExists) || errors.Is(got, want)
}

// A context ends every call, though the store is silent.
func TestContext(t *testing.T) {
	t.Parallel()
	b, s := newBucket(t)
	for what, call := range map[string]func(context.Context) error{
		"put":    func(ctx context.Context) error { return b.Put(ctx, "a", []byte("x")) },
		"get":    func(ctx context.Context) error { _, err := b.Get(ctx, "a", 0, -1); return err },
		"delete": func(ctx context.Context) error { return b.Delete(ctx, "a") },
		"list": func(ctx context.Context) (err error) {
			for _, err = range b.List(ctx, "") {
			}
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		s.Fail(func(int, *http.Request) s3test.Fault { cancel(); return s3test.Hang })
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want %v", what, err, context.Canceled)
		}
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, begun too late: %v, want %v", what, err, context.Canceled)
		}
	}
}

// A store that ignores the condition is found out, and its probe is no object.
func TestCheck(t *testing.T) {
	t.Parallel()
	b, s := newBucket(t)
	for range 2 {
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for name := range b.List(t.Context(), "") {
		t.Errorf("%s is listed", name)
	}
	s.Overwrite()
	if err := b.Check(t.Context()); !errors.Is(err, s3archive.ErrOverwrites) {
		t.Errorf("a store that overwrites: %v, want %v", err, s3archive.ErrOverwrites)
	}
	other := open(t, strings.Replace(s.Place("x"), "history", "nothing", 1))
	if err := other.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no such bucket: %v", err)
	}
	if _, err := other.Get(t.Context(), "a", 0, -1); err == nil || errors.Is(err, replay.ErrAbsent) {
		t.Errorf("an object of no bucket: %v, want an error that is not %v", err, replay.ErrAbsent)
	}
}
