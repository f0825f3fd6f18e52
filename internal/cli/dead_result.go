package cli

import (
	"fmt"
	"time"
)

// deadResult is what became of the dead tasks a verb was for.
type deadResult struct {
	Verb   string `json:"verb"`
	Done   int    `json:"done"`
	Passed int    `json:"not_dead"`        // any more: left alone
	Would  *int   `json:"would,omitempty"` // of a dry run
}

func (a *app) result(r deadResult) error {
	if a.json {
		return a.printJSON(r)
	}
	a.printf("%s %s", r.Verb, count(r.Done, "task"))
	if r.Passed > 0 {
		a.printf("; %d not dead, left alone", r.Passed)
	}
	a.printf("\n")
	return nil
}

// soFar tells on stderr how far a long run is, now and then.
func (a *app) soFar(said *time.Time, done, of int) {
	if time.Since(*said) >= tellEvery {
		*said = time.Now()
		fmt.Fprintf(a.err, "%d of %d\n", done, of)
	}
}
