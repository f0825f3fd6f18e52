package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/contrib/s3archive/internal/s3test"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDOFTHETEST", "AWS_SECRET_ACCESS_KEY": "sesame", "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	redistest.Main(m, func() {})
}

// world is a log with tasks in it, a store, and keys.
type world struct {
	*testing.T
	store          *s3test.Store
	place, dir     string
	redis, ns, key string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, store: s3test.New(t), dir: t.TempDir(), redis: redistest.URL(t), ns: redistest.Namespace(t)}
	w.place, w.key = w.store.Place("prod"), filepath.Join(w.dir, "key")
	private, public, err := archive.NewKey("auditor")
	w.must(err)
	w.must(os.WriteFile(w.key, []byte(private+"\n"), 0o600))
	w.must(os.WriteFile(w.key+".pub", []byte(public+"\n"), 0o600))
	l, err := streams.New(w.redis, streams.Options{Namespace: w.ns})
	w.must(err)
	births := make([]task.Birth, 10)
	for i := range births {
		births[i] = task.Birth{Type: "mail", Queue: "default", Payload: []byte("payload")}
	}
	_, err = l.Register(t.Context(), "default")
	w.must(err)
	_, err = l.Enqueue(t.Context(), births)
	w.must(err)
	w.must(l.Close())
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// says runs a command line that must end with a code and say each of some words.
func (w *world) says(code int, args []string, words ...string) {
	w.Helper()
	var out, errs bytes.Buffer
	got := run(w.Context(), args, &out, &errs)
	said := out.String() + errs.String()
	if got != code {
		w.Errorf("%v: exit %d, want %d: %s", args, got, code, said)
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			w.Errorf("%v: %q is not in %q", args, word, said)
		}
	}
	if strings.Contains(said, "sesame") || strings.Contains(said, "AKID") {
		w.Errorf("%v: credentials in %q", args, said)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	archived := []string{"run", "--redis", w.redis, "--namespace", w.ns, "--to", w.place, "--key", w.key, "--once"}
	verify := []string{"verify", w.place, "--pub", w.key + ".pub"}
	copied := filepath.Join(w.dir, "copy")
	w.says(1, verify, "no archive here", "hint: ")
	w.says(1, []string{"copy", w.place, copied}, "no archive here", "hint: ")
	w.says(0, archived, "checkpoint 1: ", "entries signed\n")
	w.says(0, verify, "OK: ", "in 1 segments", "1 checkpoint, all signed")
	w.says(0, []string{"ls", w.place}, "default/0 epoch ", "lsn 1 to ")
	w.says(0, []string{"copy", w.place, copied}, "4 objects copied, 0 were there")
	w.says(0, []string{"copy", w.place, copied}, "0 objects copied, 4 were there")
	text, err := os.ReadFile(w.key + ".pub")
	w.must(err)
	key, err := archive.ParseKey(strings.TrimSpace(string(text)))
	w.must(err)
	if r, err := archive.Verify(t.Context(), archive.Dir(copied), key); err != nil || !r.OK() || r.Signed == 0 {
		t.Errorf("the copy: %+v, %v", r, err)
	}
	for _, key := range w.store.Keys() {
		if strings.HasSuffix(key, ".seg") {
			b := w.store.Object(key)
			b[len(b)/3] ^= 1
			w.store.Set(key, b)
		}
	}
	w.says(1, verify, "TAMPERED", "hint: keep the archive")
}

// run goes on until it is told to stop, and then ends well.
func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"run", "--redis", w.redis, "--namespace", w.ns, "--to", w.place, "--key", w.key, "--every", "20ms", "--sign-every", "20ms"}, &out, &errs)
	}()
	end := time.After(20 * time.Second)
	for signed := false; !signed; {
		select {
		case <-end:
			t.Fatalf("nothing is signed: %q", w.store.Keys())
		case <-time.After(10 * time.Millisecond):
		}
		for _, key := range w.store.Keys() {
			signed = signed || strings.HasSuffix(key, ".note")
		}
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit %d: %s", got, errs.String())
	}
	w.says(0, []string{"verify", w.place, "--pub", w.key + ".pub"}, "OK: ")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		code int
		line string
		says string
	}{
		{2, "sing", "unknown command"},
		{2, "verify", "accepts 1 arg"},
		{2, "verify s3://history", `required flag(s) "pub"`},
		{2, "run", `required flag(s) "to"`},
		{2, "run --to x --loud", "unknown flag"},
		{2, "run --to x --every 0s", "longer than nothing"},
		{2, "run --to history/", "the form is s3://"},
		{2, "ls s3://AKID:sesame@history", "credentials belong in the environment"},
		{1, "run --to s3://history --key " + w.dir + "/none", "no such file"},
		{1, "verify s3://history --pub " + w.key, "not a public key"},
		{1, "run --redis redis://127.0.0.1:1 --to " + w.place, "127.0.0.1:1"},
	} {
		w.says(c.code, strings.Fields(c.line), c.says, "hint: ")
	}
	w.store.Overwrite()
	w.says(1, []string{"run", "--redis", w.redis, "--to", w.place, "--once"}, "overwrites", "hint: ")
}
