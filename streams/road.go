package streams

import "math"

// road is the group commit of one partition's births of one kind. It has two lanes:
// while the batch of one is in flight, births gather in the other and go at once. Each
// has a session of its own, so a lost reply, a repeat or a pause concerns one lane, as
// lane says. A caller waits for its lane, so its births stay in order.
type road [2]*lane

func newRoads(p *partition) map[laneKind]*road {
	roads := map[laneKind]*road{}
	for _, k := range []laneKind{{}, {later: true}, {replicated: true}, {later: true, replicated: true}} {
		roads[k] = &road{newLane(p, k), newLane(p, k)}
	}
	return roads
}

// pick chooses the first lane that is not in flight: births gather in as few
// batches as will do. Of two in flight it is the one where fewer wait.
func (r *road) pick() *lane {
	best, least := r[0], math.MaxInt
	for _, l := range r {
		l.mu.Lock()
		flying, n := l.flying, len(l.queue)
		l.mu.Unlock()
		if !flying {
			return l
		}
		if n < least {
			best, least = l, n
		}
	}
	return best
}
