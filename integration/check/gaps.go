package check

import "strconv"

// epoch is another server life, as its event tells.
type epoch struct {
	at       pos
	cause    string
	survived int64 // lsn
	seen     int64
}

// covers reports whether the loss that the event tells of holds an address.
func (ep *epoch) covers(p pos) bool {
	return p.lsn > ep.survived && (p.lsn < ep.at.lsn || p.before(ep.at))
}

// gap is a range of lsns that is not in the log, ends included.
type gap struct {
	from, to  int64
	explained string // by what; empty: by nothing
}

// advance checks that the log is dense (I5). What a trim removed before the
// witness came is told by the floor; everything else by an epoch event.
func (f *fold) advance(e *event) {
	if e.item > 0 {
		return
	}
	from, to := f.last+1, e.at.lsn-1
	f.last = e.at.lsn
	switch {
	case to < from-1:
		f.c.violate("I5", "%s: lsn %d follows %d", f.name(), e.at.lsn, from-1)
	case to >= from && e.kind == "epoch":
		if ep, err := parseEpoch(e); err == nil && ep.survived >= from {
			f.missing(from, min(to, ep.survived)) // it says itself that these survived
			from = ep.survived + 1
		}
		if from <= to {
			f.gaps = append(f.gaps, gap{from, to, "epoch"})
		}
	case to >= from:
		f.missing(from, to)
	}
}

func (f *fold) missing(from, to int64) {
	g := gap{from: from, to: to}
	switch {
	case to < f.floor() && f.c.losing.all: // a trim spares what the witness's cursor holds, which only a flush takes along
		g.explained = "trimmed"
	case f.c.losing.taken:
		g.explained = "taken"
	default:
		f.c.violate("I5", "%s: lsn %d to %d are missing", f.name(), from, to)
	}
	f.partial = true
	f.gaps = append(f.gaps, g)
}

// floor is the lsn below which the log may be gone.
func (f *fold) floor() int64 {
	if f.part.Live == nil {
		return 0
	}
	n, err := strconv.ParseInt(f.part.Live.Meta["floor"], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (f *fold) name() string { return f.part.Queue + "/" + strconv.Itoa(f.part.Number) }

func parseEpoch(e *event) (epoch, error) {
	ep := epoch{at: e.at, cause: e.reason, seen: e.seen}
	words, err := netstrings(e.extra)
	if err != nil {
		return ep, err
	}
	if len(words) < 4 {
		return ep, strconv.ErrSyntax
	}
	ep.survived, err = strconv.ParseInt(words[2], 10, 64)
	return ep, err
}

// epoch notes another server life. After a flush Redis counts anew.
func (f *fold) epoch(e *event) {
	ep, err := parseEpoch(e)
	if err != nil {
		f.c.violate("I5", "%s: epoch at %s: %v", f.name(), e.at, err)
		return
	}
	f.epochs = append(f.epochs, ep)
	if ep.cause == "flush" {
		clear(f.counts)
	}
	if ep.cause != "created" {
		f.c.r.Epochs++
	}
}

// lostAt is the epoch event that reports an address lost, if there is one.
func (f *fold) lostAt(p pos) *epoch {
	for i := range f.epochs {
		if f.epochs[i].covers(p) {
			return &f.epochs[i]
		}
	}
	return nil
}

// gapAt is why an lsn is missing; false if the log does not miss it.
func (f *fold) gapAt(lsn int64) (gap, bool) {
	for _, g := range f.gaps {
		if g.from <= lsn && lsn <= g.to {
			return g, true
		}
	}
	return gap{}, lsn > f.last && f.c.losing.taken
}
