// Package memserver is the Redis behind mem://: a miniredis inside this
// process, reached over net.Pipe, without any socket.
//
// Start with Open and give Server.Dialer to redis.Options:
//
//	srv, err := memserver.Open("") // or a name, to share one server
//	rdb := redis.NewClient(&redis.Options{Protocol: 2, Dialer: srv.Dialer()})
//
// Beyond plain miniredis it guarantees:
//
//  1. A pipeline of any size gets its replies: the server never waits for the
//     client to read (see conn), as it would on a bare net.Pipe.
//  2. Keys with a TTL end while time passes (see clock). TIME, and the ids of
//     XADD *, are time.Now of the process.
//  3. INFO, also from inside a script, answers the sections of a master without
//     persistence; master_replid stays the same for the life of the server.
//  4. After the last Close every goroutine of the server has ended and every
//     connection is broken; later dials fail with ErrClosed.
//
// It works inside testing/synctest: open it in the bubble under the name "" and
// the clock of the bubble is the clock of the server. What go-redis shares
// between bubbles is fatal there, so set MaintNotificationsConfig to
// ModeDisabled (it looks Addr up) and have PoolSize exceed the callers (who
// waits for a connection takes a timer from a pool of the process).
//
// Caveats: it is not Redis. It differs where streams are trimmed, claimed and
// counted, and in details of Lua; differences_test.go shows how, next to what a
// real server does. INFO inside MULTI is answered at once instead of queued.
package memserver
