package wire

import (
	"encoding/binary"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Item is one success of a packed outcome.
type Item struct {
	Task    task.ID
	Entry   task.Position // the delivery it settles; the birth, unless the task was released
	Attempt int
	Crashes int
	Ran     time.Duration
	Result  task.Digest
}

// An item is a run of varints: epoch, zigzag(birth ms − base ms), zigzag(birth
// lsn − base lsn), if there is a result 0 and the 16 bytes of its digest, then
// attempt<<2 | released<<1 | crashed, which is never 0, run time in µs, then if
// released zigzag(entry − base) twice, then if crashed the count. base is a
// position all items of a call share (the prev field of the entry), so that any
// subset of them can be joined by a script that does not look inside.
const (
	flagCrashed  = 1
	flagReleased = 2
	headResult   = 0 // no head: a digest follows

	minItem = 5 // bytes
)

// AppendItem appends one item to b.
func AppendItem(b []byte, base task.Position, it Item) []byte {
	birth := it.Task.Birth()
	b = binary.AppendUvarint(b, uint64(it.Task.Epoch()))
	b = binary.AppendVarint(b, birth.Ms-base.Ms)
	b = binary.AppendVarint(b, birth.LSN-base.LSN)
	if !it.Result.IsZero() {
		b = append(b, headResult)
		b = append(b, it.Result[:]...)
	}
	head := uint64(max(it.Attempt, 1)) << 2 // a stranger's entry may tell none
	if it.Entry != birth {
		head |= flagReleased
	}
	if it.Crashes > 0 {
		head |= flagCrashed
	}
	b = binary.AppendUvarint(b, head)
	b = binary.AppendUvarint(b, uint64(max(it.Ran, 0).Microseconds()))
	if head&flagReleased != 0 {
		b = binary.AppendVarint(b, it.Entry.Ms-base.Ms)
		b = binary.AppendVarint(b, it.Entry.LSN-base.LSN)
	}
	if head&flagCrashed != 0 {
		b = binary.AppendUvarint(b, uint64(it.Crashes))
	}
	return b
}

// Items reads n items of partition p, at most [MaxItems].
func Items(p task.Partition, base task.Position, n int, b []byte) ([]Item, error) {
	if n < 0 || n > MaxItems || n > len(b)/minItem {
		return nil, ErrCorrupt
	}
	r := varints{b: b}
	items := make([]Item, 0, n)
	for range n {
		items = append(items, r.item(p, base))
	}
	if r.bad || len(r.b) != 0 {
		return nil, ErrCorrupt
	}
	return items, nil
}

// varints reads varints. After the first bad one, or one out of its range, all are 0.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) item(p task.Partition, base task.Position) Item {
	epoch := r.unsigned(1<<16 - 1)
	birth := r.position(base)
	head, result := r.head()
	it := Item{Task: task.NewID(p, uint16(epoch), birth), Entry: birth, Attempt: max(int(head>>2), 1), Result: result}
	it.Ran = time.Duration(r.unsigned(maxRan)) * time.Microsecond
	if head&flagReleased != 0 {
		it.Entry = r.position(base)
	}
	if head&flagCrashed != 0 {
		it.Crashes = int(r.unsigned(1<<31 - 1))
	}
	return it
}

// head reads the flags, and the digest that may stand before them.
func (r *varints) head() (head uint64, result task.Digest) {
	const most = 1<<33 - 1 // a count fits 31 bits, the int of every platform
	if head = r.unsigned(most); head != headResult {
		return head, result
	}
	r.b = r.b[copy(result[:], r.b):] // cut short, there is no head
	if head = r.unsigned(most); head == headResult {
		r.b, r.bad = nil, true
	}
	return head, result
}

// position reads one relative to base. Ids have 48 bits for each part.
func (r *varints) position(base task.Position) task.Position {
	at := task.Position{Ms: base.Ms + r.signed(), LSN: base.LSN + r.signed()}
	if uint64(at.Ms)>>48 != 0 || uint64(at.LSN)>>48 != 0 {
		r.b, r.bad = nil, true
	}
	return at
}

func (r *varints) unsigned(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) signed() int64 {
	u := r.unsigned(1<<64 - 1)
	return int64(u>>1) ^ -int64(u&1)
}

// Claim is one delivery of a reclaimed entry: what was taken, and how often it
// had been delivered.
type Claim struct {
	Entry task.Position
	Count int
}
