//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFollowedFileIsReadAgain: a file that has changed while no more files could be opened is read once they can be,
// though nothing happens to it then: the file of principals may say who is to be out.
func TestFollowedFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "principals.yaml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	missed, read := make(chan bool, 10), make(chan string, 10)
	log := slog.New(told{slog.DiscardHandler, missed})
	defer followFiles(t.Context(), []string{path}, log, func() {}, func() error {
		text, err := os.ReadFile(path)
		read <- string(text)
		return err
	})()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	if _, err := f.WriteString("changed"); err != nil {
		t.Fatal(err)
	}
	<-missed
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "changed" {
		t.Errorf("it read %q", got)
	}
}

// TestFollowedFileElsewhere: what a file says has changed, though nothing has happened in the folder where it was found at first.
func TestFollowedFileElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, link string // link is where conf leads to at first, "": it is a folder
		change           func(dir string) error
	}{
		{"the file is a link", "conf/link", "", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "real"), []byte("after"), 0o600)
		}},
		{"the folder is a link", "conf/file", "first", func(dir string) error {
			return errors.Join(os.Symlink("second", filepath.Join(dir, "next")), os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "conf")))
		}},
		{"another folder takes the place", "conf/file", "", func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "conf"), filepath.Join(dir, "old")), os.Rename(filepath.Join(dir, "second"), filepath.Join(dir, "conf")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range map[string]string{"real": "before", "first/file": "before", "second/file": "after"} {
				writeFile(t, filepath.Join(dir, path), []byte(text))
			}
			if c.link != "" {
				if err := os.Symlink(c.link, filepath.Join(dir, "conf")); err != nil {
					t.Fatal(err)
				}
			} else {
				writeFile(t, filepath.Join(dir, "conf", "file"), []byte("before"))
				if err := os.Symlink("../real", filepath.Join(dir, "conf", "link")); err != nil {
					t.Fatal(err)
				}
			}
			path, read := filepath.Join(dir, c.file), make(chan string, 10)
			defer followFiles(t.Context(), []string{path}, slog.New(slog.DiscardHandler), func() {}, func() error {
				text, err := os.ReadFile(path)
				read <- string(text)
				return err
			})()
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			// A file that is written in place may be seen while it has nothing in it.
			for got := ""; got != "after"; got = <-read {
			}
		})
	}
}

// told tells of each line of a log.
type told struct {
	slog.Handler
	of chan<- bool
}

func (t told) Enabled(context.Context, slog.Level) bool { return true }
func (t told) Handle(context.Context, slog.Record) error {
	t.of <- true
	return nil
}
