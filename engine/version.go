package engine

import (
	"runtime/debug"
	"sync"
)

// buildVersion is what the build knows of the program.
var buildVersion = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
})

// versionOf is the revision of a build's source, with "-dirty" where that was
// changed, else the version of its main module. Empty: the build knows neither, as
// that of a test.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
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
}
