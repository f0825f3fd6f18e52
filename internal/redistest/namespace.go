package redistest

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const maxNamespace = 64

var (
	// binary tells this run of this test binary from all that the server has seen.
	binary = strconv.FormatInt(time.Now().UnixMilli(), 36) + "." + strconv.FormatInt(int64(os.Getpid()), 36)
	called atomic.Int64
)

// Namespace returns a name that begins like the test's and that no other call,
// in this or another process, returns. It matches
// ^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$.
func Namespace(tb testing.TB) string {
	unique := "-" + binary + "." + strconv.FormatInt(called.Add(1), 36)
	name := strings.Map(namespaceRune, tb.Name())
	return name[:min(len(name), maxNamespace-len(unique))] + unique
}

// namespaceRune replaces what a name cannot hold. Test names begin with a letter.
func namespaceRune(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.:-", r):
		return r
	default:
		return '-'
	}
}
