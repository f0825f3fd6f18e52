// Package integration holds tests with real processes and real servers: what a
// killed, stopped or crashing worker does to the tasks it held. Workers are the
// test binary itself, started again; a journal outside Redis, one line for every
// start and end of a handler, is the truth about what ran.
package integration
