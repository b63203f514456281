package workspace

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRootIsMounted: where a file system is mounted at the path of a root, which no watch tells of, a save goes there and not
// beneath it; and when it is no more, into the folder that was beneath.
func TestRootIsMounted(t *testing.T) {
	root := t.TempDir()
	w := open(t, Options{}, root)
	if err := unix.Mount("none", root, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system can be mounted here, which only root may: %v", err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
			mounted = false
		}
	}
	t.Cleanup(unmount)
	save := func(name string) {
		t.Helper()
		at, err := w.Target(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(t.Context(), at, WriteOptions{}, func(f io.Writer) error {
			_, err := io.WriteString(f, "saved")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(root, name)); string(got) != "saved" {
			t.Errorf("%s is acknowledged, and at its path is %q (%v)", name, got, err)
		}
	}
	save("on.xlsx")
	unmount()
	save("off.xlsx")
	if e := w.Entries(t.Context()); len(e) != 1 || e[0].Path != "off.xlsx" {
		t.Errorf("there are %+v", e)
	}
}
