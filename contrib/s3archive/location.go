package s3archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// ErrLocation: a URL names no place for an archive.
var ErrLocation = errors.New("not a place for an archive")

// location is where the objects of an archive lie.
type location struct {
	bucket string
	prefix string // empty, or ends in a slash
	host   string // of the endpoint, with its port
	region string
	secure bool
}

// amazon is the endpoint where none is named.
const amazon = "https://s3.amazonaws.com"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// parse reads s3://BUCKET/PREFIX?endpoint=URL&region=NAME&insecure=true. Its errors
// repeat nothing of the URL but the names of parameters: people put keys there.
func parse(raw string) (location, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "s3" || u.Opaque != "" || u.Fragment != "" {
		return location{}, wrong("the form is s3://BUCKET/PREFIX?endpoint=URL&region=NAME")
	}
	if u.User != nil {
		return location{}, wrong("credentials belong in the environment, not in the URL")
	}
	if !bucketName.MatchString(u.Host) {
		return location{}, wrong("a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens")
	}
	at := location{bucket: u.Host}
	if p := strings.Trim(u.Path, "/"); p != "" {
		if !fs.ValidPath(p) {
			return location{}, wrong("the prefix is no plain path")
		}
		at.prefix = p + "/"
	}
	return at, at.options(u.RawQuery)
}

// options reads what stands behind the question mark.
func (at *location) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return wrong("the parameters are not well formed")
	}
	for name, v := range values {
		switch {
		case name != "endpoint" && name != "region" && name != "insecure":
			return wrong("unknown parameter %q: there are endpoint, region and insecure", name)
		case len(v) != 1 || v[0] == "":
			return wrong("parameter %s needs one value", name)
		}
	}
	insecure := false
	if v := values.Get("insecure"); v != "" {
		if insecure, err = strconv.ParseBool(v); err != nil {
			return wrong("insecure is true or false")
		}
	}
	at.region = cmp.Or(values.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	return at.endpoint(cmp.Or(values.Get("endpoint"), amazon), insecure)
}

// endpoint takes the URL of a store. Only insecure=true allows one without TLS.
func (at *location) endpoint(raw string, insecure bool) error {
	e, err := url.Parse(raw)
	if err != nil || e.Host == "" || e.User != nil || strings.Trim(e.Path, "/") != "" || e.RawQuery != "" || e.Fragment != "" {
		return wrong("an endpoint is a URL of a host alone, as https://s3.example.net:9000")
	}
	switch {
	case e.Scheme == "https":
	case e.Scheme != "http":
		return wrong("an endpoint begins with https://")
	case !insecure:
		return wrong("an endpoint without TLS needs insecure=true")
	}
	at.host, at.secure = e.Host, e.Scheme == "https"
	return nil
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLocation, fmt.Sprintf(format, args...))
}
