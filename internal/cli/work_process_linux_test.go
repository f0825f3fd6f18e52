package cli

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
)

func TestCommandDiesWithItsWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	w.enqueue("1")
	p := w.start("work", "--shell", "--exec", "t=echo; exec sleep 300")
	for range 2 { // what work says, what the command says
		if _, err := p.stdout.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	p.signal(os.Kill)
	if rest, err := io.ReadAll(p.stdout); err != nil || len(rest) > 0 { // the command has it open, too
		t.Errorf("got %q, %v", rest, err)
	}
}

// Who leaves the group is not ended, and does not hold the task up.
func TestGroupIsLeft(t *testing.T) {
	t.Parallel()
	alive, result := runScript(t.Context(), t, `setsid sh -c 'touch left; echo; exec sleep 10' & until [ -e left ]; do sleep 0.01; done`)
	awaitLine(t, alive)
	select {
	case err := <-result:
		if errText(err) != "" {
			t.Errorf("got %v, want nil", err)
		}
	case <-time.After(8 * time.Second):
		t.Error("the task waits for what left its group")
	}
}
