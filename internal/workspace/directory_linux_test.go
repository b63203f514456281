package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What is not the same file any more is never told to be; what is, is.
func TestUnchanged(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(file string) error
		want bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"its rights", func(file string) error { return os.Chmod(file, 0o400) }, false}, // Stat tells
		{"removed", os.Remove, false},
		{"written to", func(file string) error { return os.WriteFile(file, []byte("3,4\n"), 0o600) }, false},
		{"written to in the same second", func(file string) error {
			was, err := os.Stat(file)
			if err != nil {
				return err
			}
			at := was.ModTime().Add(time.Millisecond)
			return errors.Join(os.WriteFile(file, []byte("3,4\n"), 0o600), os.Chtimes(file, at, at))
		}, false},
		{"longer, at the same time", func(file string) error { return writtenAt(file, file, "1,2\n5,6\n") }, false},
		{"another file of the same size and time", func(file string) error {
			if err := writtenAt(file+".part", file, "3,4\n"); err != nil {
				return err
			}
			return os.Rename(file+".part", file)
		}, false},
		{"a link to where it is now", func(file string) error {
			if err := os.Rename(file, file+".old"); err != nil {
				return err
			}
			return os.Symlink("a.csv.old", file)
		}, false},
	} {
		for _, rel := range []string{"a.csv", "in/folder/a.csv", "in/link/a.csv"} {
			t.Run(c.name+"/"+filepath.Dir(rel), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "root")
				file := filepath.Join(dir, rel)
				write(t, file, "1,2\n")
				past := time.Now().Add(-time.Hour).Truncate(time.Second)
				if err := os.Chtimes(file, past, past); err != nil {
					t.Fatal(err)
				}
				d, err := openDirectory(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				info, err := d.Stat(rel)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.do(file); err != nil {
					t.Fatal(err)
				}
				if rel == "in/link/a.csv" { // the folder was moved since, out of the root
					elsewhere := filepath.Join(filepath.Dir(dir), "elsewhere")
					if err := errors.Join(os.Rename(filepath.Dir(file), elsewhere), os.Symlink(elsewhere, filepath.Dir(file))); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := d.unchanged(rel, info), c.want && rel != "in/link/a.csv"; got != want {
					t.Errorf("unchanged: %v, want %v", got, want)
				}
			})
		}
	}
}

// writtenAt writes a file whose time is to be that of another.
func writtenAt(file, other, text string) error {
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Chtimes(file, info.ModTime(), info.ModTime())
}
