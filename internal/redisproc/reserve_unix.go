//go:build unix

package redisproc

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// reserved keeps the locks of this process until it ends.
var reserved struct {
	sync.Mutex
	files []*os.File
}

// reserve takes a port for this process until it ends, among all that ask here: a
// server that is dead for a while finds its port free when it comes back.
func reserve(port int) bool {
	dir := filepath.Join(os.TempDir(), "tidemill-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return true // as well as it goes
	}
	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return true
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // another has it
		return false
	}
	reserved.Lock()
	defer reserved.Unlock()
	reserved.files = append(reserved.files, f)
	return true
}
