package check

import (
	"cmp"
	"maps"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// born is one birth in the log.
type born struct {
	id ulid.ULID
	*life
	f *fold
}

// births checks every birth against what was asked: once, and not unasked (I1,
// I8).
func (c *checker) births() {
	c.tags = c.byTag()
	for _, tag := range slices.Sorted(maps.Keys(c.tags)) {
		all := c.tags[tag]
		asks := c.asked[tag]
		switch {
		case len(asks) == 0:
			c.unexpected("%s, born as %s, was never asked for", tag, all[0].id)
			continue
		case len(all) > 1 && all[0].key == "":
			c.r.BornTwice++
			c.violate("I8", "%s was born %d times: %s, %s", tag, len(all), all[0].id, all[1].id)
			continue
		}
		c.judge(tag, asks, all[0])
	}
}

func (c *checker) byTag() map[string][]born {
	tags := map[string][]born{}
	for _, f := range c.folds {
		for id, l := range f.lives {
			if l.born {
				tags[l.tag] = append(tags[l.tag], born{id, l, f})
			}
		}
	}
	return tags
}

// judge looks how the births of one tag ended for those who asked.
func (c *checker) judge(tag string, asks []ask, b born) {
	told := slices.ContainsFunc(asks, func(a ask) bool { return a.told })
	refused := !slices.ContainsFunc(asks, func(a ask) bool { return a.res != history.Fail })
	queue := slices.ContainsFunc(asks, func(a ask) bool { return a.Queue == b.f.part.Queue })
	switch {
	case !queue:
		c.unexpected("%s was born in queue %s", tag, b.f.part.Queue)
	case told && b.key == "" && !c.acked[b.id]:
		c.unexpected("%s was acknowledged under another id than %s", tag, b.id)
	case told:
	case refused:
		c.unexpected("%s was refused, and born as %s", tag, b.id)
	default:
		c.r.Recovered++
	}
}

func (c *checker) unexpected(format string, args ...any) {
	c.r.Unexpected++
	c.violate("I1", format, args...)
}

// keyed checks that a key has one task while it lives (I8).
func (c *checker) keyed() {
	keys := map[string][]born{}
	for _, f := range c.folds {
		for id, l := range f.lives {
			if l.born && l.key != "" {
				name := f.part.Queue + "/" + l.typ + "/" + l.key
				keys[name] = append(keys[name], born{id, l, f})
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		all := keys[key]
		slices.SortFunc(all, func(a, b born) int {
			return cmp.Or(cmp.Compare(address(a.id).ms, address(b.id).ms), cmp.Compare(address(a.id).lsn, address(b.id).lsn))
		})
		for i := 1; i < len(all); i++ {
			if c.apart(all[i-1], all[i]) {
				continue
			}
			c.r.BornTwice++
			c.violate("I8", "key %s has two tasks: %s, %s", key, all[i-1].id, all[i].id)
		}
	}
}

// apart reports whether the first one's key had ended before the second birth.
// Keys fall with a flush; on a clock that jumps they end when they end.
func (c *checker) apart(a, b born) bool {
	if a.ttlMs > 0 && address(b.id).ms-address(a.id).ms >= a.ttlMs || c.losing.taken {
		return true
	}
	return slices.ContainsFunc(b.f.epochs, func(ep epoch) bool {
		return ep.cause == "flush" && address(a.id).lsn < ep.at.lsn && ep.at.lsn < address(b.id).lsn
	})
}
