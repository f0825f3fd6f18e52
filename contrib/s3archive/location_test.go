package s3archive_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/contrib/s3archive/internal/s3test"
)

func TestLocations(t *testing.T) {
	t.Parallel()
	for _, place := range []string{
		"s3://history", "s3://history/", "s3://history/a/b/", "s3://his.to-ry1/prod?region=eu-central-1",
		"s3://history?endpoint=https://s3.example.net:9000&insecure=false", "s3://history?endpoint=http://127.0.0.1:9000/&insecure=true",
	} {
		if _, err := s3archive.Open(place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	for place, says := range map[string]string{
		"":                                    "the form is",
		"history/":                            "the form is",
		"https://history/x":                   "the form is",
		"s3:history":                          "the form is",
		"s3://history/x#y":                    "the form is",
		"s3://" + keyID + ":" + secret:        "the form is",
		"s3://" + keyID + ":sesame@history/x": "credentials belong in the environment",
		"s3:///x":                             "a bucket's name",
		"s3://Hi/x":                           "a bucket's name",
		"s3://history:80/x":                   "a bucket's name",
		"s3://history/a//b":                   "no plain path",
		"s3://history/../b":                   "no plain path",
		"s3://history?secret=" + secret:       `unknown parameter "secret"`,
		"s3://history?region=a&region=b":      "region needs one value",
		"s3://history?region=":                "region needs one value",
		"s3://history?a;b":                    "not well formed",
		"s3://history?insecure=perhaps":       "true or false",
		"s3://history?endpoint=s3.host":       "an endpoint is",
		"s3://history?endpoint=ftp://h":       "begins with https",
		"s3://history?endpoint=http://h":      "needs insecure=true",
		"s3://history?endpoint=https://h/x":   "a host alone",
		"s3://history?endpoint=https://" + keyID + ":sesame@h": "a host alone",
	} {
		_, err := s3archive.Open(place)
		if !errors.Is(err, s3archive.ErrLocation) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", place, err, says)
			continue
		}
		clean(t, err)
	}
}

// clean: one line, and nothing of the credentials.
func clean(t *testing.T, err error) {
	t.Helper()
	for _, word := range []string{keyID, secret, token, "sesame", "\n"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%q is in %q", word, err)
		}
	}
}

// No error has credentials in it, though the store repeats them.
func TestCredentialsStayHidden(t *testing.T) {
	t.Parallel()
	b, s := newBucket(t)
	s.Fail(func(int, *http.Request) s3test.Fault { return s3test.Deny })
	silent := open(t, "s3://history/x?insecure=true&endpoint=http://127.0.0.1:1")
	for _, b := range []*s3archive.Bucket{b, silent} {
		_, err := b.Get(t.Context(), "a", 0, -1)
		errs := []error{b.Put(t.Context(), "a", []byte("x")), b.Delete(t.Context(), "a"), b.Check(t.Context()), err}
		for _, err := range b.List(t.Context(), "") {
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err == nil {
				t.Fatal("no error")
			}
			clean(t, err)
		}
		if !strings.Contains(err.Error(), "InvalidAccessKeyId: No key") && !strings.Contains(err.Error(), "refused") {
			t.Errorf("%v does not say what it was", err)
		}
	}
}

// Not parallel: it changes the environment.
func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	if _, err := s3archive.Open("s3://history"); !errors.Is(err, s3archive.ErrCredentials) {
		t.Errorf("got %v, want %v", err, s3archive.ErrCredentials)
	}
}
