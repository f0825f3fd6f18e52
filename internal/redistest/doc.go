// Package redistest gives tests a real server.
//
// Most tests want URL and Namespace: one server for all tests of the binary, and
// a name that no other test uses. Tests that kill or configure a server take one
// of their own from Start. TestMain should be Main, which ends the shared server:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
//
//	func TestX(t *testing.T) {
//		opts, err := redis.ParseURL(redistest.URL(t))
//		ns := redistest.Namespace(t)
//
// The shared server is the first to be had of
//
//  1. the one that TIDEMILL_TEST_REDIS names by URL, used as it is found,
//  2. redis-server or valkey-server on PATH, started on a unix socket,
//  3. the Docker image TIDEMILL_TEST_IMAGE (tidemill-redis:local) in a container,
//     on the network TIDEMILL_TEST_NETWORK if set; it is never pulled.
//
// If there is none the test fails with the line that says what to install. Under
// -short the test is skipped, even where a server could be had: the short tests
// are those that need none.
//
// Nothing here flushes; what tests leave in the server of 1 stays there.
package redistest
