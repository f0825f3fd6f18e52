package s3archive_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/contrib/s3archive/internal/s3test"
	"github.com/tidemill/tidemill/replay/archive"
)

// A real log, signed in a store, verifies there and in a copy; a byte that flips in
// either does not go unnoticed.
func TestArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, s := newBucket(t)
	key, sign := w.signer(b)
	dir := archive.Dir(t.TempDir())
	for round := range 5 { // the fourth writes a snapshot
		w.work(40)
		w.must(w.archiveInto(b))
		sign()
		c, err := s3archive.Copy(t.Context(), b, dir)
		if err != nil || c.New == 0 || round > 0 && c.There == 0 {
			t.Errorf("round %d: copied %+v, %v", round, c, err)
		}
	}
	inStore, inCopy := verified(t, b, key), verified(t, dir, key)
	if !inStore.OK() || inStore.Segments != 5 || inStore.Checkpoints != 5 || inStore.Signed != inStore.Entries || inStore.Entries != w.entries() {
		t.Errorf("%+v", inStore)
	}
	if d := cmp.Diff(inStore, inCopy); d != "" {
		t.Errorf("the copy (-store +copy):\n%s", d)
	}
	flipped := 0
	for _, key := range s.Keys() {
		if !strings.HasSuffix(key, ".seg") && !strings.HasSuffix(key, ".pay") {
			continue
		}
		was, now := s.Object(key), s.Object(key)
		now[len(now)/3] ^= 1
		s.Set(key, now)
		if r := verified(t, b, nil); r.OK() {
			t.Errorf("a byte of %s was flipped: OK", key)
		}
		s.Set(key, was)
		flipped++
	}
	if flipped != 10 || !verified(t, b, key).OK() {
		t.Errorf("%d files were flipped, want 10, and all is well again", flipped)
	}
}

// Whichever request fails, in whichever way and for however long, the archiver goes
// on, and the archive is whole.
func TestEachRequestFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(50)
	want := w.entries()
	for _, fault := range []s3test.Fault{s3test.Refuse, s3test.Lose, s3test.Cut} {
		for _, times := range []int{1, s3archive.Tries} {
			for at, over := 1, false; !over; at++ {
				b, s := newBucket(t)
				s.Fail(func(n int, _ *http.Request) s3test.Fault {
					if n >= at && n < at+times {
						return fault
					}
					return s3test.None
				})
				err := w.archiveInto(b)
				over = s.Requests() < at
				s.Fail(nil)
				if times == 1 && fault == s3test.Refuse && err != nil {
					t.Errorf("request %d is refused once: %v", at, err)
				}
				if err != nil {
					clean(t, err)
					w.must(w.archiveInto(b))
				}
				if r := verified(t, b, nil); !r.OK() || r.Entries != want {
					t.Errorf("fault %d at request %d, %d times: %d entries, want %d, %v", fault, at, times, r.Entries, want, r.Findings)
				}
				if over && at < 5 {
					t.Errorf("%d requests, want more", at)
				}
			}
		}
	}
}

// Two archivers at once: what one of them does not write the other has.
func TestTwoArchivers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(100)
	_, s := newBucket(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		b := open(t, s.Place("prod"))
		go func() { errs <- w.archiveInto(b) }()
	}
	won := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, archive.ErrBehind):
			t.Error(err)
		}
	}
	if r := verified(t, open(t, s.Place("prod")), nil); won == 0 || !r.OK() || r.Entries != w.entries() {
		t.Errorf("%d won, %+v", won, r)
	}
}

// A copy that was stopped anywhere is an archive, and goes on; a payload that was
// erased leaves it.
func TestCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, s := newBucket(t)
	key, sign := w.signer(b)
	for range 3 {
		w.work(20)
		w.must(w.archiveInto(b))
		sign()
	}
	dir := archive.Dir(t.TempDir())
	for at := 0; ; at++ {
		objects := 0
		s.Fail(func(_ int, r *http.Request) s3test.Fault { // after one object more
			if !strings.HasSuffix(r.URL.Path, "history/") {
				objects++
			}
			if objects > 1 {
				return s3test.Refuse
			}
			return s3test.None
		})
		_, err := s3archive.Copy(t.Context(), b, dir)
		if r, bad := archive.Verify(t.Context(), dir, key); bad == nil && r.Tampered() || bad != nil && !errors.Is(bad, archive.ErrEmpty) {
			t.Fatalf("stopped behind object %d: %+v, %v", at, r, bad)
		}
		if err == nil {
			if at < 11 { // three segments of three objects, three checkpoints
				t.Errorf("it was stopped %d times, want 11", at)
			}
			break
		}
	}
	s.Fail(nil)
	if d := cmp.Diff(verified(t, b, key), verified(t, dir, key)); d != "" {
		t.Errorf("the copy (-store +copy):\n%s", d)
	}
	var pay string
	for _, key := range s.Keys() {
		if strings.HasSuffix(key, ".pay") {
			pay = strings.TrimPrefix(key, "prod/eu/")
		}
	}
	next := strings.Replace(pay, ".000000.pay", ".000001.pay", 1)
	w.must(b.Put(t.Context(), next, s.Object("prod/eu/"+pay)))
	w.must(b.Delete(t.Context(), pay))
	c, err := s3archive.Copy(t.Context(), b, dir)
	if _, gone := dir.Get(t.Context(), pay, 0, -1); err != nil || c.New != 1 || c.Removed != 1 || gone == nil {
		t.Errorf("copied %+v, %v; the old payloads: %v", c, err, gone)
	}
}
