// Package s3test is a small S3 store in the process, for tests: conditional PUT,
// ranges, listings in pages, DELETE, HEAD, and faults. It looks at no signature.
package s3test

import (
	"crypto/md5" //nolint:gosec // what Content-MD5 takes
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Fault is what goes wrong with one request.
type Fault int

// Faults.
const (
	None     Fault = iota
	Refuse         // 503, and nothing was done
	Lose           // it was done, and the reply is lost
	Cut            // half of the reply arrives
	Conflict       // 409, as where two conditional writes meet
	Deny           // 403, with the credentials in the message
	Hang           // no answer until the client goes
)

// Page is how many keys a listing gives at once.
const Page = 7

// Store is the store. Its one bucket has the name "history".
type Store struct {
	URL string // of the endpoint

	mu         sync.Mutex
	objects    map[string][]byte
	requests   int
	fault      func(n int, r *http.Request) Fault
	overwrites bool
}

// New starts a store for the length of a test.
func New(t testing.TB) *Store {
	t.Helper()
	s := &Store{objects: map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Place is the URL of an archive in it.
func (s *Store) Place(prefix string) string {
	return "s3://history/" + prefix + "?insecure=true&endpoint=" + url.QueryEscape(s.URL)
}

// Fail sets what goes wrong; n counts the requests from now on, from 1.
func (s *Store) Fail(fault func(n int, r *http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.fault = 0, fault
}

// Requests is how many there were since Fail.
func (s *Store) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Overwrite makes it a store that ignores If-None-Match.
func (s *Store) Overwrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overwrites = true
}

// Keys lists what is there.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Set puts an object behind the back of everybody.
func (s *Store) Set(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = content
}

// Object returns a copy of one.
func (s *Store) Object(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.objects[key])
}

// ServeHTTP implements [http.Handler].
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch f := s.count(r); f {
	case None:
		s.serve(w, r, body)
	case Refuse:
		refuse(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case Conflict:
		refuse(w, http.StatusConflict, "ConditionalRequestConflict", "A conflicting operation is under way.")
	case Deny:
		refuse(w, http.StatusForbidden, "InvalidAccessKeyId", "No key\n "+r.Header.Get("Authorization")+" "+r.Header.Get("X-Amz-Security-Token"))
	case Hang:
		<-r.Context().Done()
	case Lose, Cut:
		reply := httptest.NewRecorder()
		s.serve(reply, r, body)
		if f == Cut && reply.Body.Len() > 1 {
			maps.Copy(w.Header(), reply.Header())
			w.Header().Set("Content-Length", strconv.Itoa(reply.Body.Len()))
			w.WriteHeader(reply.Code)
			_, _ = w.Write(reply.Body.Bytes()[:reply.Body.Len()/2])
			_ = http.NewResponseController(w).Flush() // else it is as if nothing had been said
		}
		panic(http.ErrAbortHandler) // closes the connection
	}
}

func (s *Store) count(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.fault == nil {
		return None
	}
	return s.fault(s.requests, r)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: message})
}

func (s *Store) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case bucket != "history":
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case key == "" && r.Method == http.MethodGet:
		s.listLocked(w, r.URL.Query())
	case r.Method == http.MethodPut:
		s.putLocked(w, r, key, body)
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.getLocked(w, r, key)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "not here")
	}
}

func (s *Store) putLocked(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	sum := md5.Sum(body) //nolint:gosec // see the import
	_, there := s.objects[key]
	switch {
	case r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]):
		refuse(w, http.StatusBadRequest, "InvalidRequest", "Content-MD5 is required with Object Lock parameters")
	case there && r.Header.Get("If-None-Match") == "*" && !s.overwrites:
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	default:
		s.objects[key] = body
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sum))
	}
}

func (s *Store) getLocked(w http.ResponseWriter, r *http.Request, key string) {
	content, ok := s.objects[key]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	head := w.Header()
	head.Set("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
	head.Set("ETag", `"0"`)
	status, size := http.StatusOK, len(content)
	if span := r.Header.Get("Range"); span != "" {
		from, to := 0, size-1
		if n, _ := fmt.Sscanf(span, "bytes=%d-%d", &from, &to); n < 1 || from >= size {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
			return
		}
		to = min(to, size-1)
		content, status = content[from:to+1], http.StatusPartialContent
		head.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
	}
	head.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	EncodingType          string
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []object
}

type object struct {
	Key          string
	LastModified string
	Size         int
}

// listLocked gives one page; its token is the last key.
func (s *Store) listLocked(w http.ResponseWriter, q url.Values) {
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	most := Page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	l := listing{EncodingType: "url"}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if key <= after || !strings.HasPrefix(key, q.Get("prefix")) {
			continue
		}
		if len(l.Contents) == most {
			l.IsTruncated, l.NextContinuationToken = true, after
			break
		}
		after = key
		l.Contents = append(l.Contents, object{url.QueryEscape(key), "2026-11-02T10:00:00.000Z", len(s.objects[key])})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(l)
}
