package redisproc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// envOrphan makes the test binary a program that starts a server in the
// directory named by it, prints the URL and waits to be killed.
const envOrphan = "REDISPROC_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envOrphan); dir != "" {
		p, err := redisproc.Start(context.Background(), redisproc.Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.URL())
		select {}
	}
	redistest.Main(m)
}

func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	redistest.Start(t, redisproc.Options{}) // there is a server that can die
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envOrphan+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", strings.TrimPrefix(strings.TrimSpace(url), "unix://"))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer conn.Close()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection to the orphan: got %v, want it closed or reset", err)
	}
	cmd.Wait()
}
