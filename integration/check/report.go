package check

import (
	"fmt"
	"slices"
	"strings"
)

// maxViolations bounds the list of a report; the first ones tell most. What the run
// found wrong with itself is never left out: nothing else tells it.
const maxViolations = 200

// Violation is one broken invariant.
type Violation struct {
	Invariant string `json:"invariant"` // I1 to I12, plan, pause, stuck or run
	Text      string `json:"text"`
}

// Report is what the checker found. Births and attempts are counted, not
// entries.
type Report struct {
	Partitions   int `json:"partitions"`
	Partial      int `json:"partial"` // partitions whose log is not whole: less of them was judged
	Attempted    int `json:"attempted"`
	Acknowledged int `json:"acknowledged"`

	Succeeded int `json:"succeeded"`
	Dead      int `json:"dead"` // those that were purged among them
	Cancelled int `json:"cancelled"`
	Expired   int `json:"expired"`

	Lost          int            `json:"lost"`          // and nothing explains it
	LostReported  int            `json:"lost_reported"` // in the gap of an epoch event
	Taken         int            `json:"taken"`         // by a stranger
	Unseen        int            `json:"unseen"`        // trimmed before the witness saw them
	Unexpected    int            `json:"unexpected"`    // nobody asked, or it was refused
	Recovered     int            `json:"recovered"`     // nobody was told, and it was in
	BornTwice     int            `json:"born_twice"`
	EndedTwice    int            `json:"ended_twice"`
	Early         int            `json:"early"`
	Unexplained   int            `json:"executed_without_cause"`
	ExecutedAgain map[string]int `json:"executed_again"` // by fault

	StaleRefused int `json:"stale_refused"` // outcomes of fenced consumers
	Reclaimed    int `json:"reclaimed"`
	Epochs       int `json:"epochs"` // the first ones not counted
	Orphans      int `json:"orphans"`
	MembersLeft  int `json:"members_left"` // consumers that hold nothing and were not deleted

	RecoveryMs Quantiles `json:"recovery_ms"`
	LatenessMs Quantiles `json:"lateness_ms"`
	Rate       string    `json:"rate"` // measured, or not
	RateBack   float64   `json:"rate_back"`

	Faults map[string]int `json:"faults"`
	Void   []string       `json:"void"` // faults that were not seen to bite

	Violations []Violation    `json:"violations"` // at most 200, and those of the run
	Broken     map[string]int `json:"broken"`     // all, by invariant

	Unreadable int `json:"unreadable"` // what a log with holes says against itself

	waits, late []int64
	holes       bool // a stranger took entries out of the log
}

func newReport() *Report {
	return &Report{ExecutedAgain: map[string]int{}, Faults: map[string]int{}, Broken: map[string]int{}}
}

// Failed reports whether an invariant is broken. A void fault is no failure of
// the system, but the run proves nothing of it.
func (r *Report) Failed() bool { return len(r.Broken)+len(r.Violations) > 0 }

// readable are the invariants that are read off a log without holes. Where a
// stranger took entries out of it they cannot be judged, nor can what never ended.
var readable = []string{"I2", "I4", "I5", "I6", "I7", "I8", "I11", "stuck", "plan"}

func (r *Report) violate(invariant, format string, args ...any) {
	if r.holes && slices.Contains(readable, invariant) {
		r.Unreadable++
		return
	}
	r.Broken[invariant]++
	if len(r.Violations) < maxViolations || invariant == OfTheRun {
		r.Violations = append(r.Violations, Violation{invariant, fmt.Sprintf(format, args...)})
	}
}

func (r *Report) finish() {
	r.RecoveryMs, r.LatenessMs = quantiles(r.waits), quantiles(r.late)
}

// OfTheRun is the invariant of what a run found wrong with itself: a process that
// ended unasked, a server that did not come back.
const OfTheRun = "run"

// Blame adds what a run found wrong with itself.
func (r *Report) Blame(text string) { r.violate(OfTheRun, "%s", text) }

// Inherit takes over from an earlier report what the run found wrong with itself; that
// nothing was tried each judgement finds by itself.
func (r *Report) Inherit(old *Report) {
	for _, v := range old.Violations {
		if v.Invariant == OfTheRun && !strings.HasSuffix(v.Text, nothingTried) {
			r.Blame(v.Text)
		}
	}
}
