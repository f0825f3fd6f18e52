package streams_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// hostile are texts that would end a string somewhere, if anything ever put them
// into a source, a key, a protocol or a terminal.
var hostile = []string{
	"a}:x:{b", "{}", "a{b}c", "a/0}:t", "*", "?", "[a-z]", `\*`, "a b", "a\r\nFLUSHALL\r\n", "\n", "\x00", "a\x00b",
	"$6\r\nfoobar\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "-ERR x\r\n", "+OK\r\n", ":1\r\n",
	"]]", "]]..redis.call('FLUSHALL')..[[", "' .. redis.call('FLUSHALL') .. '", "\\", `"`, "'", "--", "--[[", "%s%d%n",
	"3:abc", "0:", "|", "1|2|", "dead", "0|0|", "#next", "%!s(MISSING)", "{{.}}", "${HOME}", "$(reboot)", "`reboot`", "../../etc/passwd",
	"\x1b]0;owned\x07", "\x1b[2J", "\u009b31m", "\u202e", "\xff\xfe", "é", "\ufeff", "nan", "-", ">", "$", "(1-0", "9999999999999-1",
}

// Names that are no names are refused before anything is written.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	l := open(t, p.URL(), streams.Options{Namespace: "ns"})
	for _, name := range append(hostile, "", strings.Repeat("a", 65)) {
		if task.ValidName("queue", name) == nil {
			if strings.ContainsAny(name, "{}*?[]\\/ \r\n\x00") {
				t.Errorf("%q is a name", name)
			}
			continue
		}
		_, err := l.Enqueue(t.Context(), []task.Birth{{Type: task.Type(name), Queue: queue}})
		refusedName(t, "type", name, err)
		_, err = l.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: task.Queue(name)}})
		refusedName(t, "queue", name, err)
		_, err = l.Register(t.Context(), task.Queue(name))
		refusedName(t, "register", name, err)
		_, err = l.Join(t.Context(), task.Queue(name), 0)
		refusedName(t, "join", name, err)
		refusedName(t, "pause", name, l.Pause(t.Context(), task.Queue(name), by))
		_, err = l.Reader().Stats(t.Context(), task.Queue(name))
		refusedName(t, "stats", name, err)
		if name != "" { // the default
			_, err = streams.New(p.URL(), streams.Options{Namespace: name})
			refusedName(t, "namespace", name, err)
		}
	}
	if n, err := l.DB().DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("%d keys, %v: want none", n, err)
	}
}

func refusedName(t *testing.T, what, name string, err error) {
	t.Helper()
	if !errors.Is(err, task.ErrInvalidName) || strings.ContainsAny(err.Error(), "\r\n\x1b\x00") {
		t.Errorf("%s %q: got %v, want %v", what, name, err, task.ErrInvalidName)
	}
}

// What is no name comes out as it went in, byte for byte, and makes no key of its own.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	r := newRig(t, p.URL(), streams.Options{Namespace: "ns"}).checked()
	s := r.join()
	for i, text := range append(hostile, strings.Join(hostile, "")) {
		b := task.Birth{
			Type: "work", Queue: queue, Payload: []byte(text), Headers: map[string]string{text: text}, Key: text, KeyTTL: time.Hour,
		}
		id := r.enqueue(b)[0]
		if again := r.enqueue(b)[0]; again != id {
			t.Errorf("key %q: got %s and %s", text, id, again)
		}
		d := r.fetch(s, 1)[0]
		if d.ID != id || !bytes.Equal(d.Payload, b.Payload) || !cmp.Equal(d.Headers, b.Headers) {
			t.Errorf("%q: got %q with %q", text, d.Payload, d.Headers)
		}
		o := task.Settlement{Delivery: &d, Kind: task.OutcomeDead, Reason: text, Error: text}
		if answers, err := s.Settle(r.ctx, []task.Settlement{o}); err != nil || answers[0] != task.Recorded {
			t.Fatalf("%q: settled as %c, %v", text, answers, err)
		}
		if st := r.state(id, task.Dead); st.Error != text || st.Reason != text || string(st.Payload) != text || st.Key != text {
			t.Errorf("%q: got %+v", text, st)
		}
		if i%2 == 0 {
			r.must(r.log.Requeue(r.ctx, id, streams.By{Actor: text, Reason: text}))
			again := r.fetch(s, 1)[0]
			if !bytes.Equal(again.Payload, b.Payload) || !cmp.Equal(again.Headers, b.Headers) {
				t.Errorf("%q requeued: got %q with %q", text, again.Payload, again.Headers)
			}
			r.settle(s, task.OutcomeSuccess, task.Recorded, again)
		}
		history, err := r.log.Reader().History(r.ctx, id)
		r.must(err)
		if e := history[0]; string(e.Payload) != text || e.Opts.Key != text || !cmp.Equal(e.Headers, b.Headers) {
			t.Errorf("%q: born as %+v", text, e)
		}
		if e := history[1]; e.Error != text || e.Reason != text {
			t.Errorf("%q: died as %+v", text, e)
		}
	}
	ours(r)
}

// ours: every key is one of this package's names.
func ours(r *rig) {
	r.Helper()
	for it := r.db.(*redis.Client).Scan(r.ctx, 0, "*", 1000).Iterator(); it.Next(r.ctx); {
		rest, ok := strings.CutPrefix(it.Val(), "tm:{ns")
		if !ok || strings.ContainsAny(rest, "\r\n\x00\x1b *") || strings.Count(rest, "}") != 1 || strings.Contains(rest, "{") {
			r.Errorf("key %q", it.Val())
		}
	}
}

// sends are the calls that give Redis a source.
var sends = map[string]bool{
	"Eval": true, "EvalRO": true, "EvalSha": true, "EvalShaRO": true, "NewScript": true, "ScriptLoad": true, "FunctionLoad": true, "FCall": true,
}

// TestScriptsAreConstant: the library gives Redis no source but that of script.go,
// which is embedded files, named by literals, and nothing else.
func TestScriptsAreConstant(t *testing.T) {
	t.Parallel()
	loads := 0
	for path, f := range sources(t) {
		for n := range ast.Preorder(f) {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if sends[n.Sel.Name] && path != "../streams/script.go" {
					t.Errorf("%s: %s: scripts are sent by script.go alone", path, n.Sel.Name)
				}
			case *ast.BasicLit:
				if text := strings.Trim(n.Value, "\"`"); n.Kind == token.STRING && strings.HasPrefix(strings.ToUpper(text), "EVAL") && path != "../internal/memserver/backend.go" {
					t.Errorf("%s: %s: scripts are sent by script.go alone", path, n.Value)
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "script" && path != "../streams/script.go" {
					t.Errorf("%s: a script that load does not know", path)
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "load" && path == "../streams/script.go" {
					loads++
					literal(t, n.Args)
				}
			}
		}
	}
	if want := len(streams.ScriptNames()); loads != want {
		t.Errorf("%d calls of load, %d scripts", loads, want)
	}
	for _, name := range streams.ScriptNames() {
		source := streams.ScriptSource(name)
		for _, word := range []string{"error_reply", "status_reply", "loadstring", "dofile", "load(", "setfenv"} {
			if strings.Contains(source, word) {
				t.Errorf("%s.lua: %s: users' text may be in it", name, word)
			}
		}
	}
}

func literal(t *testing.T, args []ast.Expr) {
	t.Helper()
	for _, a := range args {
		if lit, ok := a.(*ast.BasicLit); !ok || lit.Kind != token.STRING {
			t.Errorf("load of %v: want literals", a)
		}
	}
}

// sources are the files of the library and the program, without tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, dir := range []string{"streams", "engine", "consumergroup", "timer", "replay", "internal", "task", "cmd"} {
		err := filepath.WalkDir("../"+dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || d.Name() == "streamstest"):
				return filepath.SkipDir
			case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files[filepath.ToSlash(path)], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
