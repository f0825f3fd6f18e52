package archive

import "fmt"

// signed compares the trees of a partition with what the checkpoints say, and returns
// the last that is as it was signed. What comes behind it is proved by none.
func (v *verification) signed(cs []*Checkpoint, ms []*Manifest) (good Tree) {
	for _, c := range cs {
		for _, t := range c.Trees {
			switch {
			case t.Partition != v.part:
			case v.roots[t.Size] == t.Root.String() && v.sums[t.Size] == t.Manifest:
				good = t
			default:
				v.report.Findings = append(v.report.Findings, v.unproved(c, good, t, ms))
				return good
			}
		}
	}
	return good
}

// unproved tells what became of a tree that a checkpoint has signed, since the last
// one that is there.
func (v *verification) unproved(c *Checkpoint, good, t Tree, ms []*Manifest) Finding {
	f := Finding{Tampered: true, Partition: v.part, From: good.To.LSN + 1, To: t.To.LSN}
	f.Segment = between(ms, f.From, f.To)
	switch v.roots[t.Size] {
	case t.Root.String():
		for _, m := range ms {
			if m.first() < t.Size && t.Size < m.Size {
				f.From, f.To, f.Segment = t.To.LSN+1, m.To.LSN, m.Segment
				f.What = fmt.Sprintf("checkpoint %d has signed the segment without these", c.Number)
				return f
			}
		}
		f.What = fmt.Sprintf("checkpoint %d has signed another manifest of the same entries", c.Number)
	case "":
		f.What = fmt.Sprintf("checkpoint %d has signed more than there is", c.Number)
		if v.prev != nil && v.prev.To.LSN >= f.From {
			f.What += fmt.Sprintf("; what stands behind lsn %d is not proved", good.To.LSN)
		}
		if v.prev != nil && v.prev.To.LSN < f.To {
			f.From = v.prev.To.LSN + 1
		}
	default:
		f.What = fmt.Sprintf("checkpoint %d has signed something else", c.Number)
	}
	return f
}

// between names the segments that hold something of a range of lsns.
func between(ms []*Manifest, from, to int64) string {
	first, last := "", ""
	for _, m := range ms {
		if m.To.LSN >= from && m.From.LSN <= to {
			if last = m.Segment; first == "" {
				first = last
			}
		}
	}
	if first == last {
		return first
	}
	return first + " to " + last
}
