package main

// found is one bug that was found by faults or by attacks in tests.
type found struct{ By, What, Where string }

var track = []found{
	{"TestStorm", "a fetch that blocked could read its token after the group had been rebuilt, and settle what was somebody else's by then", "streams/fetch.go"},
	{"`make chaos TOPOLOGY=cluster PERSISTENCE=none SEED=5`", "after the loss of a primary a Cluster client went on asking the dead one for a minute", "streams/follow.go"},
	{"`make chaos SEED=3` (stop-redis, stop-worker)", "nodes that had stood still together took over from each other when they woke", "consumergroup/watch.go"},
	{"TestCalm", "a reset connection that go-redis notices itself failed enqueues at once, 915 connections in 2 s", "streams/errors.go"},
	{"TestCalm", "a node asked a server that was away up to 200 times a second", "streams/call.go"},
}
