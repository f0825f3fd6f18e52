// Package bench measures Tidemill beside its floor: the same bytes moved by bare
// go-redis, on the same server, in turns (A B A B …). [Run] is all of it; figures
// are medians over the rounds, and what counts are the ratios: absolute figures
// differ between machines and drift on one. Where the rounds of a side differ too
// much to rank, a figure says so instead of a ratio.
//
// Run starts a server of its own, or measures the one it is given. There everything
// lives in one namespace, which must be empty, as one SCAN of the server tells, and
// which is emptied again by the names of its keys. Scenarios that need another
// persistence, a delay, a kill, or a server without other users are then reported as
// not run.
//
// A scenario is one row of the table in scenarios.go; the sides it is made of stand
// in one file a family. Tests run all of them, with few tasks.
package bench
