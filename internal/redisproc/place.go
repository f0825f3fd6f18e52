package redisproc

import (
	"errors"
	"net"
	"os"
	"path/filepath"
)

// maxSocket is the longest socket path that every system binds: sun_path holds
// 104 bytes on the BSDs and macOS, 108 on Linux, a zero at the end included.
const maxSocket = 103

// place is where a server listens and writes.
type place struct {
	dir     string
	network string // as in net.Dial
	addr    string
	config  string   // of a sentinel: the file it rewrites
	own     []string // directories made here
}

func newPlace(o Options) (pl place, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, pl.remove())
		}
	}()
	if o.Dir == "" {
		if pl.dir, err = pl.temp(""); err != nil {
			return pl, err
		}
	} else if pl.dir, err = filepath.Abs(o.Dir); err != nil {
		return pl, err
	}
	if o.Sentinel != "" {
		pl.config = filepath.Join(pl.dir, "sentinel.conf")
		if err := os.WriteFile(pl.config, []byte(o.Sentinel), 0o600); err != nil {
			return pl, err
		}
	}
	if o.TCP || o.Sentinel != "" {
		pl.network = "tcp"
		pl.addr, err = FreeAddr()
		return pl, err
	}
	pl.network = "unix"
	pl.addr = filepath.Join(pl.dir, "redis.sock")
	if len(pl.addr) > maxSocket {
		short, err := pl.temp("/tmp")
		if err != nil {
			return pl, err
		}
		pl.addr = filepath.Join(short, "redis.sock")
	}
	return pl, nil
}

// temp makes a directory that remove removes.
func (pl *place) temp(parent string) (string, error) {
	d, err := os.MkdirTemp(parent, "tm-redis-")
	if err == nil {
		pl.own = append(pl.own, d)
	}
	return d, err
}

func (pl *place) remove() error {
	var errs []error
	for _, d := range pl.own {
		errs = append(errs, os.RemoveAll(d))
	}
	return errors.Join(errs...)
}

func (pl *place) url() string {
	if pl.network == "tcp" {
		return "redis://" + pl.addr
	}
	return "unix://" + pl.addr
}

// args of a server at this place: no config file, no persistence, log on stdout.
func (pl *place) args() []string {
	a := []string{"--save", "", "--appendonly", "no"}
	if pl.config != "" {
		a = []string{pl.config, "--sentinel"}
	}
	a = append(a, "--dir", pl.dir, "--daemonize", "no")
	if pl.network == "tcp" {
		host, port, _ := net.SplitHostPort(pl.addr)
		return append(a, "--bind", host, "--port", port)
	}
	return append(a, "--port", "0", "--unixsocket", pl.addr, "--unixsocketperm", "700")
}
