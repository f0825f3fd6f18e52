package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A folder has a layer, and its imports point down:
//
//  1. its files import folders of lower layers, or exactly those in sees where
//     that is given;
//  2. its tests, and the test helpers, import what is not above them: a test may
//     assert that two siblings fit each other;
//  3. test helpers are imported by tests and test helpers alone.
//
// Subfolders belong to the nearest folder of the table.
type folder struct {
	path   string
	layer  int
	helper bool     // code for tests, though not in a _test.go
	sees   []string // nil: every lower layer that is no helper
	why    string   // printed when the folder imports what it must not
}

// library is the highest layer that users link into their program.
const library = 3

const (
	whyPure    = "task is what a task is, without anything that could do something about it"
	whyBase    = "the folders of layer 1 stand alone on task"
	whySibling = "timer, consumergroup and replay never see each other: each declares the small interface it needs, and *streams.Log or *streams.Reader satisfies it"
	whyHelper  = "helpers serve the tests of their own layer and above"
	whyJudge   = "who judges the engine shares no code with it, so that an error of the one cannot hide in the other"
	whyTools   = "bench and integration use the library as a user would, and not each other"
)

var table = []folder{
	{path: "task", layer: 0, why: whyPure},
	{path: "internal/archtest", layer: 0, helper: true, why: "the judge depends on nobody"},

	{path: "internal/keys", layer: 1, why: whyBase},
	{path: "internal/wire", layer: 1, why: whyBase},
	{path: "internal/memserver", layer: 1, why: whyBase},
	{path: "internal/redisproc", layer: 1, why: whyBase},
	{path: "internal/redistest", layer: 1, helper: true, why: whyHelper},

	{
		path: "streams", layer: 2, sees: []string{"task", "internal/keys", "internal/wire", "internal/memserver"},
		why: "streams speaks to Redis by the names of internal/keys and internal/wire; internal/memserver is there because mem:// is one of the URL schemes Open understands",
	},
	{path: "streams/streamstest", layer: 2, helper: true, why: whyHelper},
	{path: "timer", layer: 2, sees: []string{"task"}, why: whySibling},
	{path: "consumergroup", layer: 2, sees: []string{"task"}, why: whySibling},
	{path: "replay", layer: 2, sees: []string{"task", "internal/wire"}, why: whySibling},

	{
		path: "engine", layer: 3, sees: []string{"task", "streams", "timer", "consumergroup"},
		why: "engine joins task, streams, timer and consumergroup, and never replay: running tasks does not need the auditor, whoever wants both hands Engine.Log() to replay",
	},
	{path: "engine/enginetest", layer: 3, helper: true, why: whyHelper},

	{path: "integration/history", layer: 1, sees: []string{}, why: whyJudge},
	{path: "integration/check", layer: 4, sees: []string{"integration/history"}, why: whyJudge},
	{path: "integration/witness", layer: 4, sees: []string{"integration/history"}, why: whyJudge},

	{path: "bench", layer: 5, why: whyTools},
	{path: "integration", layer: 5, why: whyTools},
	{path: "internal/cli", layer: 6, why: "the commands use what is below them"},
	{path: "cmd/tidemill", layer: 7, sees: []string{"internal/cli"}, why: "cmd/tidemill is main and nothing else: a command is a file of internal/cli"},
}

// folderOf finds the folder that dir belongs to, nil if the table has none.
func folderOf(dir string) *folder {
	for ; dir != "."; dir = path.Dir(dir) {
		i := slices.IndexFunc(table, func(f folder) bool { return f.path == dir })
		if i >= 0 {
			return &table[i]
		}
	}
	return nil
}

func (d *folder) maySee(to *folder, fromTest bool) bool {
	switch {
	case d == to:
		return true
	case d.helper || fromTest:
		return to.layer <= d.layer
	case to.helper:
		return false
	case d.sees != nil:
		return slices.Contains(d.sees, to.path)
	default:
		return to.layer < d.layer
	}
}

// checkLayers compares the imports of f inside the module with the table.
func checkLayers(module string, f *file) (found []string) {
	from := folderOf(f.dir)
	if from == nil {
		return []string{f.at(f.ast.Package, "folder %s has no layer: give it a row in internal/archtest/layers.go", f.dir)}
	}
	for _, imp := range f.ast.Imports {
		rel, ours := strings.CutPrefix(importPath(imp), module+"/")
		if !ours {
			continue
		}
		switch to := folderOf(rel); {
		case to == nil:
			found = append(found, f.at(imp.Pos(), "%s has no layer: give it a row in internal/archtest/layers.go", rel))
		case !from.maySee(to, f.test):
			found = append(found, f.at(imp.Pos(), "%s must not import %s%s: %s", from.path, rel, from.may(to, f.test), from.why))
		}
	}
	return found
}

// may words the rule that a refused import broke.
func (d *folder) may(to *folder, fromTest bool) string {
	switch {
	case d.helper || fromTest:
		return fmt.Sprintf(" (layer %d, a test of layer %d may not reach up)", to.layer, d.layer)
	case to.helper:
		return " (a helper of tests)"
	case d.sees != nil:
		return " (it sees " + strings.Join(d.sees, ", ") + ")"
	default:
		return fmt.Sprintf(" (layer %d, it sees what is below %d)", to.layer, d.layer)
	}
}
