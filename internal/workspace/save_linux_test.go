package workspace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// TestTargetIsLetGo: the folder that a save holds is let go with it, whether the save has gone well or not, and not only when the
// collector finds it.
func TestTargetIsLetGo(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sub", "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	at, err := w.Target(t.Context(), "sub/a.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, fails := range []error{nil, errors.New("it cannot be made")} {
		_, err := w.Write(t.Context(), at, WriteOptions{Overwrite: true, Backup: true}, func(f io.Writer) error {
			_, err := io.WriteString(f, "2\n")
			return errors.Join(err, fails)
		})
		if !errors.Is(err, fails) {
			t.Fatal(err)
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		for _, fd := range open {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to == filepath.Join(dir, "sub") {
				t.Errorf("after a save that ended with %v its folder is still open", fails)
			}
		}
	}
}
