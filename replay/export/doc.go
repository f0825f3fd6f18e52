// Package export writes a history in the forms that other programs read: CSV for
// tables, CloudEvents for event buses. (NDJSON is what the command line prints.) It
// keeps nothing but the event at hand, whatever the length of the history.
package export
