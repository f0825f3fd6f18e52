package check

import (
	"slices"
	"strings"

	"github.com/tidemill/tidemill/integration/history"
)

// A keyKind is what docs/FORMAT.md says of a key: its type, and whether it must
// have an end of its own.
type keyKind struct {
	types string
	ends  bool
}

var keyKinds = map[string]keyKind{
	"t": {types: "stream"}, "e": {types: "stream"}, "z": {types: "zset"}, "d": {types: "hash"},
	"m": {types: "hash"}, "f": {types: "hash"}, "c": {types: "zset"}, "x": {types: "zset"}, "y": {types: "hash"},
	"k": {types: "hash"}, "w": {types: "list", ends: true}, "o:": {types: "string"},
	"p:": {types: "string", ends: true}, "u:": {types: "string", ends: true}, "l:": {types: "string", ends: true},
}

var namespaceKinds = map[string]keyKind{
	"queues": {types: "hash"}, "nodes": {types: "zset"}, "node:": {types: "string", ends: true},
}

// keys: every key is of a known kind and has an end (I9).
func (m *comparison) keys() {
	for _, k := range m.live.Keys {
		tag, rest, _ := strings.Cut(k.Name, "}:")
		kinds := namespaceKinds
		if strings.Contains(tag, "/") {
			kinds = keyKinds
		}
		name, _, many := strings.Cut(rest, ":")
		if many {
			name += ":"
		}
		kind, ok := kinds[name]
		switch {
		case !ok:
			m.c.violate("I9", "key %s is of no known kind", k.Name)
		case kind.types != k.Type:
			m.c.violate("I9", "key %s is a %s, want a %s", k.Name, k.Type, kind.types)
		case kind.ends && k.TTLMs < 0:
			m.c.violate("I9", "key %s has no end", k.Name)
		case name == "o:" && number(rest[len(name):]) < number(m.live.Meta["chunk"]):
			m.c.violate("I9", "key %s is below the chunks that were removed (%s)", k.Name, m.live.Meta["chunk"])
		}
	}
}

// members: a consumer that holds nothing is deleted when it stops. A fault may
// leave one that nobody has missed yet; those are counted.
func (m *comparison) members() {
	for name := range m.live.Members {
		if slices.ContainsFunc(m.live.Pending, func(p history.Pending) bool { return p.Consumer == name }) {
			continue
		}
		m.c.r.MembersLeft++
		if m.c.in.Run.Drained && len(m.c.in.Faults) == 0 {
			m.c.violate("I9", "%s: consumer %s stopped and is still in f", m.name(), name)
		}
	}
}
