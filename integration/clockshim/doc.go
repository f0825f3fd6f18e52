// Package clockshim moves the clock of one server process while it runs: a small
// C library, compiled by Build and loaded by LD_PRELOAD, adds an offset to the
// wall clock that the process reads.
//
//	s, err := clockshim.Build(ctx, dir)
//	defer s.Close()
//	cmd.Env = append(os.Environ(), s.Env()...)
//	// … the server starts
//	err = s.Set(-time.Hour) // an hour ago, from the next look at the clock
//
// It guarantees that clock_gettime with CLOCK_REALTIME and CLOCK_REALTIME_COARSE,
// gettimeofday and time all tell the same moved time, and that no other clock
// moves: a jump of the wall clock, as an operator or NTP makes it.
//
// Caveats: Linux with 64 bits and a C compiler only. It sees what goes through
// the C library: not a program that is linked statically, nor Go's own clock.
// What the kernel times (file times, timers) does not move. The clock of the
// process gets slower, a system call for each look at it.
package clockshim
