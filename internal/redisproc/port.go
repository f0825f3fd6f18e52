package redisproc

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports below those that systems give to outgoing connections (32768 on Linux,
// 49152 elsewhere): while a server is dead nobody's connection takes its port,
// and nobody who dials it again and again is connected to itself. The bus of a
// cluster node, its port + 10000, is a port too.
const (
	firstPort = 15000
	lastPort  = 32767
	portTries = 100
)

var errTaken = errors.New("others have them")

// FreeAddr returns an address of 127.0.0.1 where nobody listens, and which nobody else
// gets who asks here while this process lives. A stranger might take it before its
// owner does.
func FreeAddr() (string, error) {
	var last error
	for range portTries {
		port := firstPort + rand.N(lastPort-firstPort+1)
		if !reserve(port) {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("find a free port: %w", cmp.Or(last, errTaken))
}
