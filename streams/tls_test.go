package streams_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// authority signs certificates; its pool is what trusts it.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(template)
	a.pool.AddCert(a.cert)
	return a
}

// sign makes a certificate, valid for an hour unless the template says otherwise.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// pem writes what sign made into files.
func (a *authority) pem(template *x509.Certificate) (certFile, keyFile string) {
	a.t.Helper()
	cert, key := a.sign(template)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	dir := a.t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert.Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// serve starts a server with the certificate and returns where it listens. Clients
// need no certificate unless the arguments say so.
func (a *authority) serve(template *x509.Certificate, args ...string) (addr string) {
	a.t.Helper()
	cert, key := a.pem(template)
	ca := filepath.Join(a.t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	redistest.Start(a.t, redisproc.Options{Args: append([]string{
		"--bind", "127.0.0.1", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", ca, "--tls-auth-clients", "no",
	}, args...)})
	return l.Addr().String()
}

// local is a certificate for this machine.
func local() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "redis"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	addr := a.serve(local())
	for _, scheme := range []string{"redis://", "rediss://"} { // TLS of the options wins
		r := newRig(t, scheme+addr, streams.Options{TLS: &tls.Config{RootCAs: a.pool}}).checked()
		s := r.join()
		r.settle(s, task.OutcomeSuccess, task.Recorded, r.held(s, 1)...)
	}
	// Not to verify has to be asked for.
	newRig(t, "rediss://"+addr+"?skip_verify=true", streams.Options{}).ready(1)
}

// TestTLSClientCertificate: a server that wants to know its clients.
func TestTLSClientCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	addr := a.serve(local(), "--tls-auth-clients", "yes")
	cert, err := tls.LoadX509KeyPair(a.pem(local()))
	if err != nil {
		t.Fatal(err)
	}
	newRig(t, "rediss://"+addr, streams.Options{TLS: &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{cert}}}).ready(1)
	// With TLS 1.3 the reset of the connection may overtake the reason.
	unusable(t, "rediss://"+addr, &tls.Config{RootCAs: a.pool}, "")
	unusable(t, "rediss://"+addr, &tls.Config{RootCAs: a.pool, MaxVersion: tls.VersionTLS12}, "remote error: tls:")
}

// TestTLSRefusals: each says at once what is wrong, and is not asked again.
func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	expired, elsewhere := local(), local()
	expired.NotBefore, expired.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	elsewhere.DNSNames, elsewhere.IPAddresses = []string{"other.example"}, nil
	good := a.serve(local())
	for name, tt := range map[string]struct {
		url    string
		config *tls.Config
		is     func(error) bool
		says   string
	}{
		"unknown authority": {"rediss://" + good, nil, as[x509.UnknownAuthorityError], "certificate signed by unknown authority"},
		"another authority": {"rediss://" + good, &tls.Config{RootCAs: newAuthority(t).pool}, as[x509.UnknownAuthorityError], "certificate signed by unknown authority"},
		"another host":      {"rediss://" + a.serve(elsewhere), &tls.Config{RootCAs: a.pool}, as[x509.HostnameError], "cannot validate certificate for 127.0.0.1"},
		"expired":           {"rediss://" + a.serve(expired), &tls.Config{RootCAs: a.pool}, as[x509.CertificateInvalidError], "certificate has expired"},
		"a web server":      {"rediss://" + says(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), nil, as[tls.RecordHeaderError], "does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := unusable(t, tt.url, tt.config, tt.says)
			if !tt.is(err) {
				t.Errorf("got %v of another type", err)
			}
			l := open(t, tt.url, streams.Options{TLS: tt.config})
			began := time.Now()
			_, err = l.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}})
			if took := time.Since(began); !tt.is(err) || !errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrUncertain) || took > 3*time.Second {
				t.Errorf("enqueue: got %v after %v", err, took)
			}
		})
	}
}

// TestTLSOnOneSide: a client that speaks TLS to a Redis that does not, and the
// reverse, end without an answer.
func TestTLSOnOneSide(t *testing.T) {
	t.Parallel()
	unusable(t, "redis://"+newAuthority(t).serve(local()), nil, "")
	plain := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	unusable(t, strings.Replace(plain, "redis:", "rediss:", 1), nil, "deadline exceeded")
}

// says is the address of a server that says one thing to everybody.
func says(t *testing.T, what string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, what)
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// unusable: Preflight says so within 5 s, on one line.
func unusable(t *testing.T, url string, config *tls.Config, says string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	_, err := open(t, url, streams.Options{TLS: config}).Preflight(ctx, false)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("preflight took %v", took)
	}
	if !errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrDenied) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("preflight: got %v, want %v: … %s", err, task.ErrUnavailable, says)
	}
	return err
}
