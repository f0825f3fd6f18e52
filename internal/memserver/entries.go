package memserver

import (
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// entries answers reads of single stream entries, XRANGE key id id. miniredis
// walks the whole stream for each, which makes a backlog of n tasks cost n².
// A stream from which anything was removed, or to which the server gave an id,
// it leaves to miniredis from then on.
type entries struct {
	mu      sync.Mutex
	streams map[string]map[string][]string // key → id → fields
	left    map[string]bool
}

func newEntries() *entries {
	return &entries{streams: map[string]map[string][]string{}, left: map[string]bool{}}
}

// hook sees every command before it runs; true means that it is answered.
func (e *entries) hook(c *server.Peer, cmd string, args ...string) bool {
	switch cmd {
	case "XADD":
		e.add(args)
	case "XRANGE":
		return e.answer(c, args)
	case "XTRIM", "XDEL", "DEL", "UNLINK", "RENAME", "RENAMENX":
		e.forget(args)
	case "FLUSHALL", "FLUSHDB", "SWAPDB":
		e.mu.Lock()
		clear(e.streams)
		clear(e.left)
		e.mu.Unlock()
	}
	return false
}

// add remembers an entry that is written with an id of its own. One that is
// refused because it exists changes nothing.
func (e *entries) add(args []string) {
	if len(args) < 4 || !strings.Contains(args[1], "-") {
		e.forget(args[:min(1, len(args))])
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left[args[0]] {
		return
	}
	ids := e.streams[args[0]]
	if ids == nil {
		ids = map[string][]string{}
		e.streams[args[0]] = ids
	}
	if _, ok := ids[args[1]]; !ok {
		ids[args[1]] = append([]string(nil), args[2:]...)
	}
}

func (e *entries) answer(c *server.Peer, args []string) bool {
	if len(args) != 3 || args[1] != args[2] {
		return false
	}
	e.mu.Lock()
	ids := e.streams[args[0]]
	fields, ok := ids[args[1]]
	e.mu.Unlock()
	if ids == nil {
		return false
	}
	if !ok {
		c.WriteLen(0)
		return true
	}
	c.WriteLen(1)
	c.WriteLen(2)
	c.WriteBulk(args[1])
	c.WriteLen(len(fields))
	for _, f := range fields {
		c.WriteBulk(f)
	}
	return true
}

func (e *entries) forget(keys []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range keys {
		delete(e.streams, k)
		e.left[k] = true
	}
}
