package witness

import (
	"bytes"
	"strconv"
)

// epochOf reads an epoch event; its extra is netstrings, the third of them the
// lsn that survived.
func epochOf(at place, fields [][]byte) (epoch, bool) {
	if field(fields, "kind") != "epoch" {
		return epoch{}, false
	}
	rest, words := []byte(field(fields, "extra")), []string(nil)
	for len(rest) > 0 {
		head, tail, ok := bytes.Cut(rest, []byte(":"))
		n, err := strconv.Atoi(string(head))
		if !ok || err != nil || n < 0 || n > len(tail) {
			return epoch{}, false
		}
		words, rest = append(words, string(tail[:n])), tail[n:]
	}
	if len(words) < 3 {
		return epoch{}, false
	}
	survived, err := strconv.ParseInt(words[2], 10, 64)
	return epoch{place: at, survived: survived}, err == nil
}

func field(fields [][]byte, name string) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if string(fields[i]) == name {
			return string(fields[i+1])
		}
	}
	return ""
}

// forgot reports whether the epoch event says that an entry did not survive. An
// epoch that was created anew, after a flush nobody told it of, counts lsns from
// 1 again: then the older id tells.
func (ep epoch) forgot(at place) bool {
	return at.lsn > ep.survived && (at.lsn < ep.lsn || at.before(ep.place))
}

// orphan moves what the last reading from the start did not find, and an epoch
// event says did not survive.
func (p *partition) orphan() {
	for at, s := range p.entries {
		if s.round != p.rounds && p.forgotten(at, s.at) {
			delete(p.entries, at)
			p.orphans[at] = s
		}
	}
}

// forgotten reports whether an epoch event says that an entry did not survive. What
// was read first after the event is of a later life: after a flush lsns may begin
// below it, when nobody who was told of the last ones asks first.
func (p *partition) forgotten(at place, seen int64) bool {
	for _, ep := range p.epochs {
		if seen < ep.seen && ep.forgot(at) {
			return true
		}
	}
	return false
}
