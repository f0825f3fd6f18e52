package cli

import (
	"github.com/tidemill/tidemill/replay"
)

// restoreLine is what a restore writes, or would write.
type restoreLine struct {
	Namespace string `json:"namespace"`
	DryRun    bool   `json:"dry_run"`
	*replay.State
}

// restorePlan tells it before anything is written. As JSON, the report of fsck is a
// second line.
func (a *app) restorePlan(s *replay.State, o *restoreAsk) error {
	if a.json {
		return a.printJSON(restoreLine{Namespace: o.into, DryRun: !o.yes, State: s})
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		a.printf("%s at %s: %s ready, %d waiting, %d dead, after %d enqueued\n", q.Queue, stamp(s.At), count(q.Ready, "task"), q.Waiting, q.Dead, q.Enqueued)
	}
	if !o.yes {
		a.printf("nothing was written: --yes writes it into namespace %s\n", o.into)
	}
	return nil
}
