package integration

import (
	"bufio"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// journal is a file that all workers append to, a line in one write.
type journal struct{ f *os.File }

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &journal{f: f}, err
}

func (j *journal) write(what string, d *engine.Delivery) {
	fmt.Fprintf(j.f, "%s %s %d %d %d\n", what, d.ID, d.Attempt, os.Getpid(), time.Now().UnixNano())
}

// line is one line of the journal.
type line struct {
	what    string
	id      task.ID
	attempt int
	pid     int
	at      time.Time
}

func readJournal(t *testing.T, path string) []line {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []line
	for s := bufio.NewScanner(f); s.Scan(); {
		var (
			l  line
			id string
			ns int64
		)
		if _, err := fmt.Sscan(s.Text(), &l.what, &id, &l.attempt, &l.pid, &ns); err != nil {
			t.Fatal(err)
		}
		if l.id, err = task.ParseID(id); err != nil {
			t.Fatal(err)
		}
		l.at = time.Unix(0, ns)
		all = append(all, l)
	}
	return all
}

// count counts the lines that say what, per task.
func count(lines []line, what string) map[task.ID]int {
	n := map[task.ID]int{}
	for _, l := range lines {
		if l.what == what {
			n[l.id]++
		}
	}
	return n
}
