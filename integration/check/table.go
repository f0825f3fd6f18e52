package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table is the report for people.
func (r *Report) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { fmt.Fprintf(w, "%s\t%v\n", name, v) }
	for _, line := range []struct {
		name string
		n    int
	}{
		{"partitions seen in part", r.Partial},
		{"attempted", r.Attempted},
		{"acknowledged", r.Acknowledged},
		{"succeeded", r.Succeeded},
		{"dead", r.Dead},
		{"cancelled", r.Cancelled},
		{"expired", r.Expired},
		{"lost", r.Lost},
		{"lost, reported", r.LostReported},
		{"taken by a stranger", r.Taken},
		{"trimmed unseen", r.Unseen},
		{"unexpected", r.Unexpected},
		{"recovered", r.Recovered},
		{"born twice", r.BornTwice},
		{"ended twice", r.EndedTwice},
		{"early", r.Early},
		{"executed again, no cause", r.Unexplained},
		{"stale outcomes refused", r.StaleRefused},
		{"reclaimed", r.Reclaimed},
		{"epochs", r.Epochs},
		{"orphans", r.Orphans},
		{"members left", r.MembersLeft},
	} {
		row(line.name, line.n)
	}
	for _, name := range slices.Sorted(maps.Keys(r.ExecutedAgain)) {
		row("executed again: "+name, r.ExecutedAgain[name])
	}
	row("recovery", r.RecoveryMs)
	row("lateness", r.LatenessMs)
	rate := r.Rate
	if rate == "measured" {
		rate = fmt.Sprintf("%.0f %%", 100*r.RateBack)
	}
	row("rate after faults", rate)
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		row("fault "+name, r.Faults[name])
	}
	if len(r.Void) > 0 {
		row("void", strings.Join(r.Void, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Broken)) {
		row("BROKEN "+name, r.Broken[name])
	}
	_ = w.Flush() // into a Builder
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "%s: %s\n", v.Invariant, v.Text)
	}
	return b.String()
}

func (q Quantiles) String() string {
	if q.N == 0 {
		return "-"
	}
	return fmt.Sprintf("p50 %d ms, p99 %d ms, max %d ms (%d)", q.P50, q.P99, q.Max, q.N)
}
