package wire

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/task"
)

// TestOptsGolden fixes the bytes, in both directions.
func TestOptsGolden(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]task.Opts{
		"":                 {},
		"r5":               {Retries: 5},
		"r-1":              {Retries: -1},
		"t60000":           {Timeout: time.Minute},
		"d1700000000123":   {Deadline: time.UnixMilli(1700000000123)},
		"b20":              {Base: 20},
		"c2":               {Crashes: 2},
		"n3":               {Unrouted: 3},
		"u86400000,kx":     {Key: "x", KeyTTL: 24 * time.Hour},
		"k%2Cd5%00+%C3%A9": {Key: ",d5\x00 é"},
		"r1,t1,d1,b1,c1,u1,ka%2Bb": {
			Retries: 1, Timeout: time.Millisecond, Deadline: time.UnixMilli(1), Base: 1, Crashes: 1, KeyTTL: time.Millisecond, Key: "a+b",
		},
	} {
		if got := Opts(o); got != want {
			t.Errorf("Opts(%+v): got %q, want %q", o, got, want)
		}
		got, err := ParseOpts(want)
		if err != nil {
			t.Errorf("ParseOpts(%q): %v", want, err)
		}
		if diff := cmp.Diff(o, got); diff != "" {
			t.Errorf("ParseOpts(%q): want - got +\n%s", want, diff)
		}
	}
}

// TestOptsKeepsWhatIsSet: nothing that was set reads as unset.
func TestOptsKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opts task.Opts
		want string
	}{
		{task.Opts{Timeout: time.Nanosecond}, "t1"},
		{task.Opts{Timeout: time.Second + 1}, "t1001"},
		{task.Opts{KeyTTL: time.Microsecond}, "u1"},
		{task.Opts{Deadline: time.Unix(0, 0)}, "d1"},
		{task.Opts{Deadline: time.Unix(-1e9, 0)}, "d1"},
	} {
		if got := Opts(tt.opts); got != tt.want {
			t.Errorf("Opts(%+v): got %q, want %q", tt.opts, got, tt.want)
		}
	}
}

func TestParseOptsRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		",", "r1,,t2", "5", "R5", "é", "\x00", "r", "rx", "r1.5", "r2147483648", "t", "t9223372036854775807", "t-9223372036854775808",
		"d", "d0", "d-1", "d9223372036854775808", "b1e3", "c0x1", "u 1", "k%", "k%zz",
	} {
		if got, err := ParseOpts(s); err != ErrCorrupt || got != (task.Opts{}) {
			t.Errorf("ParseOpts(%q): got %+v, %v, want ErrCorrupt", s, got, err)
		}
	}
}

// TestParseOptsNewer: letters of a newer version are passed over, whatever is
// behind them.
func TestParseOptsNewer(t *testing.T) {
	t.Parallel()
	got, err := ParseOpts("r5,z,ylow priority,x-1,")
	if want := (task.Opts{Retries: 5}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestHeadersGolden(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]map[string]string{
		"":                                   nil,
		"1:a1:b":                             {"a": "b"},
		"0:0:":                               {"": ""},
		"11:traceparent3:0-11:x4:\x00\xff:,": {"x": "\x00\xff:,", "traceparent": "0-1"},
		"1:A1:31:a1:12:aa1:2":                {"aa": "2", "a": "1", "A": "3"},
	} {
		if got := Headers(h); got != want {
			t.Errorf("Headers(%q): got %q, want %q", h, got, want)
		}
		got, err := ParseHeaders(want)
		if err != nil {
			t.Errorf("ParseHeaders(%q): %v", want, err)
		}
		if diff := cmp.Diff(h, got); diff != "" {
			t.Errorf("ParseHeaders(%q): want - got +\n%s", want, diff)
		}
	}
	if got := Headers(map[string]string{}); got != "" {
		t.Errorf("no headers: got %q, want nothing", got)
	}
}

func TestStringsGolden(t *testing.T) {
	t.Parallel()
	for want, values := range map[string][]string{
		"":                 nil,
		"0:":               {""},
		"3:abc0:":          {"abc", ""},
		"2:1:1::1:\x002:é": {"1:", ":", "\x00", "é"},
		"12:123456789012":  {"123456789012"},
	} {
		if got := Strings(values...); got != want {
			t.Errorf("Strings(%q): got %q, want %q", values, got, want)
		}
		got, err := Split(want)
		if err != nil {
			t.Errorf("Split(%q): %v", want, err)
		}
		if diff := cmp.Diff(values, got); diff != "" {
			t.Errorf("Split(%q): want - got +\n%s", want, diff)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{":", "a", "3", "3:ab", "3:abc,", "-1:", "+1:a", " 1:a", "1:ab", "9999999999:", "99999999999999999999:", "1:a:"} {
		if got, err := Split(s); err != ErrCorrupt || got != nil {
			t.Errorf("Split(%q): got %q, %v, want ErrCorrupt", s, got, err)
		}
	}
	for _, s := range []string{"1:a", "1:a1:b1:c", "x"} {
		if got, err := ParseHeaders(s); err != ErrCorrupt || got != nil {
			t.Errorf("ParseHeaders(%q): got %q, %v, want ErrCorrupt", s, got, err)
		}
	}
}

func TestItemsGolden(t *testing.T) {
	t.Parallel()
	const p = 7
	base := task.Position{Ms: 1_700_000_000_000, LSN: 1000}
	birth := func(epoch uint16, ms, lsn int64) task.ID {
		return task.NewID(p, epoch, task.Position{Ms: base.Ms + ms, LSN: base.LSN + lsn})
	}
	entry := func(ms, lsn int64) task.Position { return task.Position{Ms: base.Ms + ms, LSN: base.LSN + lsn} }
	const digest = "df2fe9f917abdb1c0515ef22f03c6f17"
	result, err := task.ParseDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		hex  string // epoch, ms, lsn, 0 and a result, head, ran, then entry, then crashes
		item Item
	}{
		{"01" + "00" + "00" + "04" + "00", Item{Task: birth(1, 0, 0), Entry: entry(0, 0), Attempt: 1}},
		{"01" + "0a" + "02" + "04" + "dc0b", Item{Task: birth(1, 5, 1), Entry: entry(5, 1), Attempt: 1, Ran: 1500 * time.Microsecond}},
		{"ffff03" + "e70f" + "03" + "04" + "01", Item{Task: birth(65535, -1012, -2), Entry: entry(-1012, -2), Attempt: 1, Ran: time.Microsecond}},
		{"02" + "01" + "13" + "0e" + "00" + "904e" + "14", Item{Task: birth(2, -1, -10), Entry: entry(5000, 10), Attempt: 3}},
		{"01" + "00" + "02" + "05" + "00" + "02", Item{Task: birth(1, 0, 1), Entry: entry(0, 1), Attempt: 1, Crashes: 2}},
		{"01" + "00" + "02" + "53" + "00" + "00" + "04" + "01", Item{Task: birth(1, 0, 1), Entry: entry(0, 2), Attempt: 20, Crashes: 1}},
		{"02" + "00" + "00" + "00" + digest + "04" + "dc0b", Item{Task: birth(2, 0, 0), Entry: entry(0, 0), Attempt: 1, Ran: 1500 * time.Microsecond, Result: result}},
		{"01" + "00" + "02" + "00" + digest + "07" + "00" + "00" + "04" + "01", Item{Task: birth(1, 0, 1), Entry: entry(0, 2), Attempt: 1, Crashes: 1, Result: result}},
	} {
		if got := hex.EncodeToString(AppendItem(nil, base, tt.item)); got != tt.hex {
			t.Errorf("AppendItem(%+v): got %s, want %s", tt.item, got, tt.hex)
		}
		b, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Items(p, base, 1, b)
		if err != nil {
			t.Errorf("Items(%s): %v", tt.hex, err)
		}
		if diff := cmp.Diff([]Item{tt.item}, got); diff != "" {
			t.Errorf("Items(%s): want - got +\n%s", tt.hex, diff)
		}
	}
}

// TestItemWithoutAttempt: the entry of a stranger may tell none, and 0 says something else.
func TestItemWithoutAttempt(t *testing.T) {
	t.Parallel()
	base := task.Position{Ms: 1000, LSN: 10}
	it := Item{Task: task.NewID(1, 1, base), Entry: base, Result: task.Digest{1}}
	got, err := Items(1, base, 1, AppendItem(nil, base, it))
	it.Attempt = 1
	if diff := cmp.Diff([]Item{it}, got); err != nil || diff != "" {
		t.Errorf("%v: want - got +\n%s", err, diff)
	}
}

func TestItemsRefuses(t *testing.T) {
	t.Parallel()
	base := task.Position{Ms: 1000, LSN: 10}
	for why, tt := range map[string]struct {
		n   int
		hex string
	}{
		"less than none":       {-1, ""},
		"none, with bytes":     {0, "0100000400"},
		"two of one":           {2, "0100000400"},
		"one of two":           {1, "01000004000100000400"},
		"more than a slot has": {MaxItems + 1, strings.Repeat("0100000400", MaxItems+1)},
		"cut":                  {1, "01000004"},
		"cut in the entry":     {1, "010000060000"},
		"cut in the crashes":   {1, "0100000500"},
		"cut in the result":    {1, "01000000" + "df2fe9f917abdb1c0515ef22f03c6f"},
		"cut after the result": {1, "01000000" + "df2fe9f917abdb1c0515ef22f03c6f17"},
		"two results":          {1, "01000000" + "df2fe9f917abdb1c0515ef22f03c6f17" + "00" + "df2fe9f917abdb1c0515ef22f03c6f17" + "0400"},
		"many of few":          {math.MaxInt32, "0100000400"},
		"epoch of 17 bits":     {1, "8080040000" + "0400"},
		"before 1970":          {1, "01d10f000400"},
		"before the first":     {1, "0100150400"},
		"attempt too large":    {1, "010000" + "8080808020" + "00"},
		"ran too long":         {1, "01000004" + "ffffffffffffffffff01"},
		"crashes too large":    {1, "0100000500" + "8080808008"},
		"varint of 11 bytes":   {1, "ffffffffffffffffffff01" + "00000400"},
		"entry before 1970":    {1, "0100000600" + "d10f" + "00"},
		"birth beyond 48 bits": {1, "01" + "80808080808080" + "01" + "000400"},
	} {
		b, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Items(1, base, tt.n, b); err != ErrCorrupt || got != nil {
			t.Errorf("%s: got %+v, %v, want ErrCorrupt", why, got, err)
		}
	}
}

func TestRanGolden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ran     time.Duration
		crashes int
		want    string
	}{
		{0, 0, ""},
		{-time.Second, -1, ""},
		{1500 * time.Microsecond, 0, "1500"},
		{time.Hour, 2, "3600000000/2"},
		{0, 1, "0/1"},
	} {
		got := Ran(tt.ran, tt.crashes)
		if got != tt.want {
			t.Errorf("Ran(%v, %d): got %q, want %q", tt.ran, tt.crashes, got, tt.want)
		}
		if ran, crashes := ParseRan([]byte(got)); ran != max(tt.ran, 0) || crashes != max(tt.crashes, 0) {
			t.Errorf("ParseRan(%q): got %v, %d, want %v, %d", got, ran, crashes, tt.ran, tt.crashes)
		}
	}
	for _, s := range []string{"", "x", "-1", "+1", "1.5", "/2", " 1", "9223372036854775808", "9223372036854776"} {
		if ran, crashes := ParseRan([]byte(s)); ran != 0 || crashes != 0 {
			t.Errorf("ParseRan(%q): got %v, %d, want 0, 0", s, ran, crashes)
		}
	}
}

func TestSlotGolden(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Slot{
		"0000000000000000": {},
		"040000000000002a": {State: task.Succeeded, Item: 42},
		"040000000001ff00": {State: task.Succeeded, LSN: 511},
		"0501020304050607": {State: task.Dead, LSN: 0x010203040506, Item: 7},
		"09ffffffffffffff": {State: task.Lost, LSN: 1<<48 - 1, Item: 255},

		"":                   {}, // a chunk that is not there
		"04000000000001":     {}, // cut
		"0affffffffffffff":   {}, // a state of a newer version
		"ffffffffffffffff":   {},
		"0100000000000100ff": {State: task.Waiting, LSN: 1},
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ParseSlot(string(b))); diff != "" {
			t.Errorf("%s: want - got +\n%s", text, diff)
		}
	}
}
