// Package archtest holds the architecture of the module as a test: which
// folder may import which, what must stay pure, how large a file may grow, and
// which words do not belong in the tree. Start with the table in layers.go; it
// is the layer picture of docs/ARCHITECTURE.md in a form that fails.
//
// A checker is a function from one parsed file to findings. The tests run every
// checker over the module, and over small sources in memory that each break one
// rule, so that a rule which can no longer fire is noticed.
//
// A rule that has to bend is edited here, with its reason, in the same commit.
// Folders that do not exist yet are not missed. Nested modules (tools,
// bench/peers, contrib) follow their own rules.
//
// The modules that engine and cmd/tidemill link are golden lists in testdata:
//
//	go test ./internal/archtest -rewrite
//
// writes them anew; the diff is what the change costs every user.
package archtest
