// Package redisproc starts and ends a throw-away redis-server or valkey-server.
//
// Start with Start; it finds the server on PATH and returns when it answers:
//
//	p, err := redisproc.Start(ctx, redisproc.Options{})
//	defer p.Stop()
//	opts, err := redis.ParseURL(p.URL())
//
// It guarantees:
//
//  1. The server is reachable from this machine alone: through a unix socket,
//     or on 127.0.0.1 if Options.TCP is set.
//  2. Nothing is written to disk but a log, unless Options.Args ask for it; a
//     sentinel also writes its configuration.
//  3. After Stop the process is gone, and the directory too if it was made here.
//  4. On Linux the server dies with this process, however that dies. Elsewhere a
//     process that is killed leaves its server behind.
//
// With Options.Sentinel the server is a sentinel. Kill, Signal and Restart are
// for tests of what a crash leaves: same options, directory and address before
// and after.
//
// Caveat: the port of a TCP server is free when Start looks, and might be taken
// by another process before the server binds it; Start then fails.
//
// Tests use internal/redistest, which ends the server with the test.
package redisproc
