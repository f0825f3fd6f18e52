package main

// found is one bug that was found by faults or by attacks in tests.
type found struct{ By, What, Where string }

var track = []found{
	{"TestStorm", "a fetch that blocked could read its token after the group had been rebuilt, and settle what was somebody else's by then", "streams/fetch.go"},
	{"`make chaos TOPOLOGY=cluster PERSISTENCE=none SEED=5`", "after the loss of a primary a Cluster client went on asking the dead one for a minute", "streams/follow.go"},
	{"`make chaos SEED=3` (stop-redis, stop-worker)", "nodes that had stood still together took over from each other when they woke", "consumergroup/watch.go"},
	{"TestCalm", "a reset connection that go-redis notices itself failed enqueues at once, 915 connections in 2 s", "streams/errors.go"},
	{"TestCalm", "a node asked a server that was away up to 200 times a second", "streams/call.go"},
	{"rig tests (kill, everysec)", "the README said that a kill under everysec loses nothing; Redis may answer before it writes while an fsync is slow", "README.md"},
	{"rig tests (READONLY)", "an enqueue that led a batch ignored its deadline for five seconds", "streams/lane.go"},
	{"TestCanaryBadURL", "a URL whose password had an unescaped / ? or # printed the rest of it", "streams/client.go"},
	{"TestACLReader", "a reader needed write rights, because EVALSHA asks for them", "streams/script.go"},
	{"TestTLS", "a certificate that cannot be trusted was asked again and again", "streams/errors.go"},
	{"soak, SEED=2037 (sentinel, replicated)", "suspects that waited for their turn started while their queue was paused", "consumergroup/admit.go"},
	{"soak, SEED=197045 (sentinel, group-destroy)", "a task that was open when the group was lost counted as crashed once, and was buried after two crashes", "streams/lua/recover.lua"},
	{"`make chaos-bugs`", "late settles had not bitten any more since settle took its arguments in runs: two bugs went unseen", "integration/chaos/late.go"},
	{"TestForeignEntriesAndGroupDestroyed", "a reader left out an entry of ours in whose place a stranger's stood in the other stream", "streams/cursor.go"},
	{"TestCancelOfNobody", "a cancel of an id that differs from a task's in its time alone could end that task", "streams/lua/cancel.lua"},
	{"a review of the checker", "six bugs at once passed unseen: what a task should come to was not asked", "integration/check/plans.go"},
}
