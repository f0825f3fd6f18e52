package main

// found is one bug that was found by faults or by attacks in tests.
type found struct{ By, What, Where string }

var track = []found{
	{"TestStorm", "a fetch that blocked could read its token after the group had been rebuilt, and settle what was somebody else's by then", "b2a303c"},
}
