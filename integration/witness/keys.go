package witness

import (
	"fmt"
	"strings"
)

// root begins every key. The witness names keys itself, so that an error of
// internal/keys cannot hide from it.
const root = "tm:{"

// group is the one consumer group of t.
const group = "workers"

// cursorName is the witness's field in k.
const cursorName = "witness"

// space is a namespace's keys: those of its own begin with own, those of its
// partitions with parts.
type space struct{ own, parts string }

func newSpace(namespace string) space {
	return space{own: root + namespace + "}:", parts: root + namespace + "/"}
}

func (s space) registry() string { return s.own + "queues" }

func (s space) holds(key string) bool {
	return strings.HasPrefix(key, s.own) || strings.HasPrefix(key, s.parts)
}

// prefix begins the keys of one partition.
func (s space) prefix(queue string, n int) string { return fmt.Sprintf("%s%s/%d}:", s.parts, queue, n) }
