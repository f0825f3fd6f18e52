// Package s3archive keeps a Tidemill archive in a store of objects that speaks the
// S3 protocol. [Open] gives a [Bucket], which replay/archive takes wherever it takes
// a directory:
//
//	b, err := s3archive.Open("s3://history/prod?region=eu-central-1")
//	a := archive.New(archive.Of(eng.Log()), b, archive.Options{Namespace: "prod"})
//
// What it guarantees is what [replay.Bucket] says, if the store does two things:
//
//  1. It honours If-None-Match: * on PUT. Not all do; [Bucket.Check] finds out, and
//     whoever writes asks it first.
//  2. It lists keys in order of their bytes. A listing that is not is an error.
//
// The client is minio-go: it is maintained, its PutObject of the low level is one PUT
// with If-None-Match, MD5 and SHA-256 as we say, and it signs for any compatible store.
//
// Tests need no store: those of this package have a small one in the process.
package s3archive
