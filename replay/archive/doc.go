// Package archive keeps the history of a log where Redis is not: in immutable
// segments that prove themselves.
//
// An [Archiver] copies the log of every partition into a [replay.Bucket]. [Open]
// reads it back as a [replay.Source]. Verify says whether anything was removed or
// changed since, for which it needs the archive and a public key alone.
//
// The entries of a partition are the leaves of one Merkle tree (RFC 6962). A
// segment holds entries with consecutive lsns of one epoch; its manifest names the
// root of the tree up to its end and the hash of the manifest before. Payloads lie
// in files beside the segments, bound to their entries by salted commitments, so
// that one can be erased and everything else still proves itself.
//
// Caveats: what Redis loses before it was archived is not in the archive; the gap
// of lsns shows it. Entries that somebody else adds to the streams are not archived.
package archive
