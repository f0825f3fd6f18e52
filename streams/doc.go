// Package streams is the log on Redis Streams, and the only library package
// that speaks to Redis.
//
// [New] makes a [Log]; its methods are transitions, each one Lua script in lua/,
// one file a transition. [Log.Join] gives a [Session], a consumer on one
// partition; [Log.Waiting] the zset that a releaser drains; [Log.Reader] the read
// side that history, statistics and fsck are made of.
//
// Guarantees, per partition:
//
//  1. Every entry of both streams has the id ms-lsn of one shared clock; lsn is
//     dense, so what is missing shows.
//  2. Every writing script may be asked twice: producers' batches and consumers'
//     settles are numbered, operators' verbs are idempotent by state. A lost
//     reply is answered by asking again with the same arguments.
//  3. Entries move from a consumer only after it was fenced as a whole.
//  4. The server notices a promotion, restart or flush before a script writes.
//  5. Completing works when memory is full; enqueueing is refused.
//
// Caveats: a script has no rollback, so types and arguments are checked before
// the first write; a Redis that evicts keys loses tasks, which Preflight
// refuses. Users of package engine never need this one. Test code that uses it
// with streamstest, on mem:// and on a real server.
package streams
