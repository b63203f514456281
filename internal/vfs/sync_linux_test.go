package vfs

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestSyncsReachTheSystem: of a sync nothing can be seen but by cutting the power, unless the system refuses it. It refuses that
// of a pipe, and that of a folder of /proc: who does not ask it is not told so.
func TestSyncsReachTheSystem(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := (&osFile{w, "pipe"}).Sync(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("the sync of a pipe: %v, want %v", err, syscall.EINVAL)
	}
	o, err := OpenOS("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, dir := range []string{".", "fd"} {
		if err := o.SyncDir(dir); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("the sync of %s in /proc/self: %v, want %v", dir, err, syscall.EINVAL)
		}
	}
}
