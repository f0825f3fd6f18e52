package streamstest

import (
	"testing"

	"github.com/tidemill/tidemill/streams"
)

// testCase is one promise of the log.
type testCase struct {
	name string
	test func(w *world)
}

// topics are the files of this package.
var topics = []struct {
	name  string
	cases []testCase
}{
	{"enqueue", enqueueCases},
	{"keys", keyCases},
	{"order", orderCases},
	{"commit", commitCases},
	{"settle", settleCases},
	{"fence", fenceCases},
	{"reclaim", reclaimCases},
	{"charge", chargeCases},
	{"sweep", sweepCases},
	{"release", releaseCases},
	{"cancel", cancelCases},
	{"dead", deadCases},
	{"redact", redactCases},
	{"pause", pauseCases},
	{"status", statusCases},
	{"ready", readyCases},
	{"trim", trimCases},
	{"retention", retentionCases},
	{"pressure", pressureCases},
	{"stats", statsCases},
	{"registry", registryCases},
	{"events", eventCases},
	{"law", lawCases},
}

// Run runs the suite. open opens a log in a namespace that nothing else uses and
// closes it with the test; one process of it must be enough: the suite opens one
// log a test.
func Run(t *testing.T, open func(t *testing.T) *streams.Log) {
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range topic.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.test(newWorld(t, open))
				})
			}
		})
	}
}
