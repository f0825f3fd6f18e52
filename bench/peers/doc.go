// Peers measures other task queues side by side with Tidemill, and both with
// the least that bare go-redis needs to move the same bytes.
//
//	go run . -quick                                  # does everything work?
//	go run . -peers asynq,tidemill -scenario drain
//	go run . -out ../results                         # the figures to quote
//	go run . -render ../results/DATE-peers.json      # their tables and charts again
//
// What makes the figures comparable:
//
//  1. Rounds are interleaved, A B C A B C, on one machine; medians are shown,
//     with the least and the most. Where the rounds differ by more than their
//     median, as where there is one alone, a figure is marked: it ranks nothing.
//  2. Every round has a server nobody used before: a Redis of its own, or a
//     database of its own in a PostgreSQL of this run.
//  3. Every peer has its best documented settings, which stand beside the figure;
//     where out of the box it differs much, that is shown too.
//  4. Payloads are 100 bytes. Slow peers get fewer tasks a round; how many is in
//     the result.
//  5. A drain lasts from the start of the first handler until every outcome is
//     stored; latency ends when the handler starts.
//
// A peer that is not installed, or lacks a feature, is said to be missing with
// the reason, and never estimated.
//
// Caveat: Go peers enqueue and work in one process. BullMQ and Celery are
// measured by drivers of ours in their languages, folders bullmq and celery.
package main
