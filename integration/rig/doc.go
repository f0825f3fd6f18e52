// Package rig runs the servers of a fault run: one Redis, one with sentinels, or
// a cluster, all of them processes on 127.0.0.1, or one in a Docker container with
// a port published there, and does to them what machines and networks do.
//
//	r, err := rig.Start(ctx, rig.Config{Topology: rig.Sentinel, Persistence: rig.Everysec})
//	defer r.Stop()
//	log, err := streams.New(r.URL(), streams.Options{})
//	took, err := r.Failover(ctx)
//
// What there is to do, by topology:
//
//	any         Server.Kill, Restart, Pause, Resume; Rig.Heal
//	processes   Server.CutAOF, TearAOF
//	standalone  AddReplica, Promote
//	sentinel    Failover, LoseTail
//	cluster     KillPrimary, LoseTail, MigrateSlot
//
// It guarantees:
//
//  1. What waits, waits for a condition: it returns when that holds, or with an
//     error that names what was last seen when ctx or the deadline ends.
//  2. After Stop all processes are gone, also after errors. They die with this
//     process too, however it dies. A container does not: the next Start on this
//     machine removes it, and its engine ends it an hour after it started.
//  3. After Heal every server runs and every replica has what its primary has.
//  4. A server keeps its address for life.
//
// Caveats: one operation at a time; they are not made to overlap. Only
// [Server.Kill], Restart, Pause and Resume may be called while another runs, on
// a server it does not touch. SIGKILL takes nothing that Redis gave to the kernel,
// but Redis may acknowledge before it gives: with everysec a kill loses up to two
// seconds when the disk is slow, see [Server.Written]. A promotion by Failover or
// KillPrimary may lose what the replica had not yet read; [Rig.Heal] before it
// makes sure that there is nothing, if nobody writes.
//
// Test code that uses it against a server of its own choice with Config.Binary.
package rig
