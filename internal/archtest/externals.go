package archtest

import (
	"path"
	"slices"
	"strings"
)

// An external says who may import a module that is not ours. The first row whose
// prefix fits an import decides. Without a row, a module is for tests and for the
// folders above the library.
type external struct {
	prefix  string
	folders []string // whose files may import it; nil: none
	files   []string // patterns of single files that may
	tests   bool     // every test and test helper may
	why     string
}

var externals = []external{
	{
		prefix: "github.com/redis/go-redis", tests: true,
		folders: []string{"streams", "internal/redisproc", "bench", "integration", "integration/witness", "internal/cli"},
		why:     "streams is the only library package that speaks to Redis",
	},
	{
		prefix: "github.com/klauspost/compress/zstd", files: []string{"replay/archive/*.go"},
		why: "segments of the archive are compressed, and replay/archive alone reads them",
	},
	{
		prefix: "golang.org/x/mod/sumdb", files: []string{"replay/archive/*.go"},
		why: "the archive's Merkle tree and its signed notes are those of Go's checksum database; replay/archive alone proves",
	},
	{
		prefix:  "github.com/alicebob/miniredis",
		folders: []string{"internal/memserver"},
		why:     "internal/memserver is the one place that knows which server mem:// is",
	},
	{
		prefix: "go.opentelemetry.io/otel/sdk", tests: true,
		folders: []string{"bench", "integration", "internal/cli"},
		why:     "a library uses the OpenTelemetry API; which SDK and exporter stand behind it is for the program to choose",
	},
	{
		prefix: "go.opentelemetry.io/otel/exporters", tests: true,
		folders: []string{"bench", "integration", "internal/cli"},
		why:     "a library uses the OpenTelemetry API; which SDK and exporter stand behind it is for the program to choose",
	},
	{
		prefix: "go.opentelemetry.io", tests: true,
		files: []string{"engine/otel*.go", "engine/options*.go"},
		why:   "metrics are one Observer and the span is one middleware: engine/otel*.go alone sees OpenTelemetry",
	},
}

// common lists what any folder may import; purity.go keeps x/sync out of task.
var common = []string{"github.com/oklog/ulid", "golang.org/x/sync"}

const whyFew = "a library package needs go-redis, ulid and the OpenTelemetry API; everything else lives at the edge, in tests or in contrib (or give it a row in internal/archtest/externals.go, with the reason)"

// checkExternals compares the imports of f outside the module with the table.
func checkExternals(module string, f *file) (found []string) {
	from := folderOf(f.dir)
	if from == nil {
		return nil // checkLayers says so
	}
	for _, imp := range f.ast.Imports {
		p := importPath(imp)
		if below(module, p) || standard(p) {
			continue
		}
		if why := refuse(from, f, p); why != "" {
			found = append(found, f.at(imp.Pos(), "%s must not import %s: %s", f.path, p, why))
		}
	}
	return found
}

// refuse answers why f, of the folder from, must not import p; "" if it may.
func refuse(from *folder, f *file, p string) string {
	test := f.test || from.helper
	i := slices.IndexFunc(externals, func(e external) bool { return below(e.prefix, p) })
	if i < 0 {
		if test || from.layer > library || belowAny(common, p) {
			return ""
		}
		return whyFew
	}
	e := externals[i]
	if test && e.tests || slices.Contains(e.folders, from.path) || matches(e.files, f.path) {
		return ""
	}
	return e.why
}

// standard answers whether p is of the standard library: no host name in front.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

// below answers whether p is prefix or an import path below it.
func below(prefix, p string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

func belowAny(prefixes []string, p string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return below(prefix, p) })
}

// matches answers whether one of the patterns fits name.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		if err != nil {
			panic("archtest: bad pattern " + pattern)
		}
		return ok
	})
}
