package engine

import (
	"runtime/debug"
	"sync"
)

// buildVersion is what the build knows of the program: the revision of its source,
// with "-dirty" where that was changed, else the version of its main module. Empty:
// it knows neither, as in a test.
var buildVersion = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if revision := set["vcs.revision"]; revision != "" {
		revision = revision[:min(len(revision), 12)]
		if set["vcs.modified"] == "true" {
			revision += "-dirty"
		}
		return revision
	}
	if v := info.Main.Version; v != "(devel)" {
		return v
	}
	return ""
})
