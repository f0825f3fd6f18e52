package redisproc_test

import (
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// No address is given out twice, though nobody listens on the first.
func TestFreeAddr(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 300 {
		addr, err := redisproc.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s twice", addr)
		}
		seen[addr] = true
	}
}
