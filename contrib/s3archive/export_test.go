package s3archive

import "time"

// Hasten makes a bucket wait for little, and list in small pages.
func (b *Bucket) Hasten(page int) { b.wait, b.page = time.Millisecond, page }

// Tries is how often a request is sent.
const Tries = tries
