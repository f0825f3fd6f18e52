package engine

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	const revision = "0123456789abcdef0123456789abcdef01234567"
	build := func(module string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: module}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	for name, test := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"no build info":     {nil, ""},
		"neither":           {build(""), ""},
		"no version":        {build("(devel)", "GOOS", "linux"), ""},
		"module":            {build("v1.4.2", "GOOS", "linux"), "v1.4.2"},
		"revision":          {build("(devel)", "vcs", "git", "vcs.revision", revision, "vcs.modified", "false"), "0123456789ab"},
		"dirty":             {build("(devel)", "vcs.revision", revision, "vcs.modified", "true"), "0123456789ab-dirty"},
		"revision over tag": {build("v1.4.2", "vcs.modified", "true", "vcs.revision", revision), "0123456789ab-dirty"},
		"short revision":    {build("", "vcs.revision", "42"), "42"},
		"dirty, of nothing": {build("v1.4.2", "vcs.modified", "true"), "v1.4.2"},
	} {
		if got := versionOf(test.info); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// A node that is told no version reports that of the build.
func TestVersionDefault(t *testing.T) {
	t.Parallel()
	if got := (Options{}).withDefaults().Version; got != buildVersion() {
		t.Errorf("got %q, want %q", got, buildVersion())
	}
	if got := (Options{Version: "v2"}).withDefaults().Version; got != "v2" {
		t.Errorf("got %q", got)
	}
}
