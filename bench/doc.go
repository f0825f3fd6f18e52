// Package bench measures Tidemill beside its floor: the same bytes moved by bare
// go-redis, on the same server, in turns (A B A B …). [Run] is all of it; figures
// are medians over the rounds, and what counts are the ratios: absolute times
// differ between machines and drift on one.
//
// Everything lives in namespaces and keys of its own, which are removed.
package bench
