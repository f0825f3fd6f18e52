package task

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// moves is the law once more, written by events instead of states: from where
// each may come, and where it leads. Running goes with Ready.
var moves = []struct {
	kind Kind
	from []State
	to   State // None: where it was
}{
	{Born, []State{None}, Ready},
	{Scheduled, []State{None}, Waiting},
	{Released, []State{Waiting}, Ready},
	{HandedBack, []State{Ready}, Ready},
	{OutcomeSuccess, []State{Ready}, Succeeded},
	{OutcomeRetry, []State{Ready}, Waiting},
	{OutcomeSnooze, []State{Ready}, Waiting},
	{OutcomeDead, []State{Ready}, Dead},
	{OutcomeCancel, []State{Ready, Waiting}, Cancelled},
	{OutcomeExpire, []State{Ready, Waiting}, Expired},
	{StaleOutcome, []State{Waiting, Ready, Succeeded, Dead, Cancelled, Expired, Purged, Lost}, None},
	{Reclaimed, []State{Ready}, Ready},
	{CancelRequested, []State{Ready}, Ready},
	{Requeued, []State{Dead}, Waiting},
	{PurgedDead, []State{Dead}, Purged},
	{EntryLost, []State{Waiting, Ready}, Lost},
	{Redacted, []State{Succeeded, Dead, Cancelled, Expired, Purged, Lost}, None},
}

// TestApply looks at every pair of state and kind.
func TestApply(t *testing.T) {
	t.Parallel()
	type pair struct {
		State State
		Kind  Kind
	}
	law := map[pair]State{}
	for _, m := range moves {
		for _, from := range m.from {
			to := m.to
			if to == None {
				to = from
			}
			law[pair{from, m.kind}] = to
			if from == Ready {
				law[pair{Running, m.kind}] = to
			}
		}
	}
	law[pair{Running, StaleOutcome}] = Ready // the log does not tell them apart
	for _, s := range States() {
		for _, k := range Kinds() {
			got, err := Apply(s, k)
			want, legal := law[pair{s, k}]
			if legal {
				if got != want || err != nil {
					t.Errorf("%s, %s: got %s, %v, want %s", s, k, got, err, want)
				}
				continue
			}
			var illegal *IllegalError
			if !errors.As(err, &illegal) || *illegal != (IllegalError{State: s, Kind: k}) || got != s {
				t.Errorf("%s, %s: got %s, %v, want %s and an IllegalError that names both", s, k, got, err, s)
			}
		}
	}
}

// TestTerminal: who has ended stays where it is, whatever comes, but for the
// dead, who may be requeued or purged.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, s := range States() {
		if got, want := s.Terminal(), s != None && s != Waiting && s != Ready && s != Running; got != want {
			t.Errorf("%s: got terminal %t, want %t", s, got, want)
		}
		for _, k := range Kinds() {
			to, err := Apply(s, k)
			if s.Terminal() && to != s && !(s == Dead && (k == Requeued || k == PurgedDead)) {
				t.Errorf("%s leaves by %s, for %s", s, k, to)
			}
			if err == nil && k.OfPartition() {
				t.Errorf("%s, %s: an event of the partition moves a task", s, k)
			}
			if err == nil && (to == None || to == Running) {
				t.Errorf("%s, %s: got %s, which no event leads to", s, k, to)
			}
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if got := ParseKind(k.String()); got != k || seen[k.String()] {
			t.Errorf("kind %d, %q: got %d back, or not the first of its name", k, k, got)
		}
		seen[k.String()] = true
	}
	for _, s := range States() {
		if got, err := ParseState(s.String()); got != s || err != nil {
			t.Errorf("state %d, %q: got %d back, %v", s, s, got, err)
		}
	}
	if _, err := ParseState("asleep"); !errors.Is(err, ErrInvalidOption) {
		t.Errorf("got %v, want ErrInvalidOption", err)
	}
	if got := ParseKind("of a newer version"); got != Unknown {
		t.Errorf("got %s, want unknown", got)
	}
}

func TestWordsInJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type words struct {
			State State
			Kind  Kind
		}
		want := words{rapid.SampledFrom(States()).Draw(t, "state"), rapid.SampledFrom(Kinds()).Draw(t, "kind")}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got words
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: want - got +\n%s", b, diff)
		}
	})
}
