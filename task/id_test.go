package task

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// address is all that an id packs.
type address struct {
	P     Partition
	Epoch uint16
	At    Position
}

func (a address) id() ID { return NewID(a.P, a.Epoch, a.At) }

var addresses = rapid.Custom(func(t *rapid.T) address {
	return address{
		P: Partition(rapid.Uint16().Draw(t, "partition")), Epoch: rapid.Uint16().Draw(t, "epoch"),
		At: Position{Ms: rapid.Int64Range(0, 1<<48-1).Draw(t, "ms"), LSN: rapid.Int64Range(0, 1<<48-1).Draw(t, "lsn")},
	}
})

func TestIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := addresses.Draw(t, "address")
		id := a.id()
		got := address{P: id.Partition(), Epoch: id.Epoch(), At: id.Birth()}
		if diff := cmp.Diff(a, got); diff != "" {
			t.Fatalf("%s: want - got +\n%s", id, diff)
		}
		if id.LSN() != a.At.LSN || !id.Time().Equal(time.UnixMilli(a.At.Ms)) {
			t.Fatalf("%s: got lsn %d, time %v, want %v", id, id.LSN(), id.Time(), a.At)
		}
		for _, s := range []string{id.String(), strings.ToLower(id.String())} {
			if back, err := ParseID(s); err != nil || back != id {
				t.Fatalf("ParseID(%s): got %s, %v", s, back, err)
			}
		}
	})
}

func TestIDLayout(t *testing.T) {
	t.Parallel()
	at := Position{Ms: 0x0102030405AA, LSN: 0x0A0B0C0D0E0F}
	got := NewID(0x0607, 0x0809, at)
	want := ID{1, 2, 3, 4, 5, 0xAA, 6, 7, 8, 9, 0xA, 0xB, 0xC, 0xD, 0xE, 0xF}
	if got != want {
		t.Errorf("got % x, want % x", got, want)
	}
	if got, want := got.String(), "01081G81DA0R3GG28A1C60T3GF"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := NewID(1, 1, Position{}).IsZero(), false; got != want {
		t.Errorf("IsZero: got %t, want %t", got, want)
	}
	if !(ID{}).IsZero() {
		t.Error("the zero id: got IsZero false, want true")
	}
}

// TestIDSorts: ids of one partition and epoch sort as their births do, in bytes
// and in text, across the carry of the text as well.
func TestIDSorts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := addresses.Draw(t, "a"), addresses.Draw(t, "b")
		b.P, b.Epoch = a.P, a.Epoch
		if rapid.Bool().Draw(t, "one ms") {
			b.At.Ms = a.At.Ms
		}
		want := slices.Compare([]int64{a.At.Ms, a.At.LSN}, []int64{b.At.Ms, b.At.LSN})
		x, y := a.id(), b.id()
		if got := slices.Compare(x[:], y[:]); got != want {
			t.Fatalf("bytes of %v and %v compare %d, want %d", a.At, b.At, got, want)
		}
		if got := strings.Compare(x.String(), y.String()); got != want {
			t.Fatalf("text of %v and %v compares %d, want %d", a.At, b.At, got, want)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	const good = "01081G81DA0R3GG28A1C60T3GF"
	for _, s := range []string{
		"", "0", good[1:], good + "0", "8" + good[1:], "Z" + good[1:], "O" + good[1:],
		good[:25] + "I", good[:25] + "L", good[:25] + "O", good[:25] + "U", good[:25] + "-", good[:25] + " ",
		good[:25] + "\x00", good[:24] + "é", strings.Repeat("A", 1<<20),
	} {
		id, err := ParseID(s)
		if !errors.Is(err, ErrInvalidID) || !id.IsZero() {
			t.Errorf("ParseID(%.40q): got %s, %v, want ErrInvalidID", s, id, err)
		} else if len(err.Error()) > 400 {
			t.Errorf("ParseID of %d bytes: the error has %d bytes", len(s), len(err.Error()))
		}
	}
}

func TestIDText(t *testing.T) {
	t.Parallel()
	id := NewID(1, 2, Position{Ms: 3, LSN: 4})
	b, err := json.Marshal(map[ID]ID{id: id})
	if want := `{"` + id.String() + `":"` + id.String() + `"}`; err != nil || string(b) != want {
		t.Fatalf("got %s, %v, want %s", b, err, want)
	}
	var got map[ID]ID
	if err := json.Unmarshal(b, &got); err != nil || got[id] != id {
		t.Errorf("got %v, %v, want %s", got, err, id)
	}
	if err := json.Unmarshal([]byte(`"no id"`), &id); !errors.Is(err, ErrInvalidID) {
		t.Errorf("got %v, want ErrInvalidID", err)
	}
}
