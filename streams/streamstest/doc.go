// Package streamstest is the conformance suite of package streams: what the log
// promises, run on whatever Redis the caller has.
//
// Call [Run] with a function that opens a log in a namespace of its own. [Check]
// alone serves any other test that used a log: it folds what was written and
// compares it with the live state, which is the one property every test ends
// with.
//
// Claims about trimming, claiming and failover count on real servers only: the
// in-process server differs exactly there.
package streamstest
