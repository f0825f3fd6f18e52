// Package wire is the format of every stored value: field names, versions, and
// the codecs of packed values. docs/FORMAT.md describes the same bytes.
//
// Entries of the streams are read by [Entry]; what a newer version wrote is kept
// as raw fields and never refused. Decoders never panic and never allocate more
// than a small multiple of their input: each is fuzzed. The Lua scripts write
// the same fields; a test compares the names.
package wire

// Version is the version of entries this code writes.
const Version = "1"

// Schema is the version of a partition's keys, kept in its meta hash.
const Schema = "1"

// BirthFields are the fields of births, releases and hand-backs, in order.
var BirthFields = []string{"v", "type", "payload", "ref", "attempt", "headers", "opts", "due", "prev"}

// EventFields are the fields of every other event, in order.
var EventFields = []string{
	"v", "kind", "ref", "attempt", "consumer", "n", "outcome", "error", "actor", "reason", "due", "prev", "extra",
}

// Outcome is the kind field of outcomes; the outcome field says which.
const Outcome = "outcome"
