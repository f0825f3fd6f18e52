package s3archive_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/contrib/s3archive/internal/s3test"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

const (
	keyID  = "AKIDOFTHETEST0000001"
	secret = "secret/of+the/test/that/nobody/sees"
	token  = "token-of-the-session"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	redistest.Main(m, func() {})
}

// open makes a hasty bucket.
func open(t *testing.T, place string) *s3archive.Bucket {
	t.Helper()
	b, err := s3archive.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	b.Hasten(10)
	return b
}

// newBucket is one in a store of its own.
func newBucket(t *testing.T) (*s3archive.Bucket, *s3test.Store) {
	t.Helper()
	s := s3test.New(t)
	return open(t, s.Place("prod/eu")), s
}

// world is a real log.
type world struct {
	*testing.T
	log *streams.Log
	ns  string
}

const queue = "q"

func newWorld(t *testing.T) *world {
	t.Helper()
	ns := redistest.Namespace(t)
	l, err := streams.New(redistest.URL(t), streams.Options{Namespace: ns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &world{T: t, log: l, ns: ns}
	_, err = l.Register(t.Context(), queue)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// work makes n tasks, and runs them but for a few that are for later.
func (w *world) work(n int) {
	w.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: "mail", Queue: queue, Payload: fmt.Appendf(nil, "payload %d", i)}
		if i%5 == 0 {
			births[i].In = time.Hour
		}
	}
	_, err := w.log.Enqueue(w.Context(), births)
	w.must(err)
	s, err := w.log.Join(w.Context(), queue, 0)
	w.must(err)
	got, err := s.Fetch(w.Context(), n, 0)
	w.must(err)
	out := make([]task.Settlement, len(got.Deliveries))
	for i := range out {
		out[i] = task.Settlement{Delivery: &got.Deliveries[i], Kind: task.OutcomeSuccess, Ran: time.Millisecond}
	}
	_, err = s.Settle(w.Context(), out)
	w.must(err)
}

func (w *world) archiveInto(b replay.Bucket) error {
	return archive.New(archive.Of(w.log.Reader()), b, archive.Options{Namespace: w.ns}).Once(w.Context())
}

// signer makes a pair of keys: the public one, and what signs with the other.
func (w *world) signer(b replay.Bucket) (archive.Key, func()) {
	w.Helper()
	private, public, err := archive.NewKey("auditor")
	w.must(err)
	key, err := archive.ParseKey(public)
	w.must(err)
	s, err := archive.NewSigner(b, private, public)
	w.must(err)
	return key, func() {
		w.Helper()
		_, err := s.Sign(w.Context())
		w.must(err)
	}
}

// entries counts what is in the live log.
func (w *world) entries() (n int64) {
	w.Helper()
	dir := archive.Dir(w.TempDir())
	w.must(w.archiveInto(dir))
	return verified(w.T, dir, nil).Entries
}

func verified(t *testing.T, b replay.Bucket, key archive.Key) *archive.Report {
	t.Helper()
	r, err := archive.Verify(t.Context(), b, key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
