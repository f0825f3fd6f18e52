// Package parquet writes a Tidemill history as Parquet, for engines that ask columns:
// a row an event, zstd, dictionaries for what repeats, row groups of bounded size. It
// is a module of its own, because the encoder (parquet-go, maintained, pure Go) brings
// dependencies that the engine must not have.
package parquet
