package workspace

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestFolderIsSynced: a save asks the system to make the names in a folder durable, and hears when it cannot: in /proc
// it never can.
func TestFolderIsSynced(t *testing.T) {
	root, err := os.OpenRoot("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := (rootFolder{root}).SyncDir("."); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("%v, want %v", err, syscall.EINVAL)
	}
	if err := (rootFolder{root}).SyncDir("none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
