//go:build unix

package main

import (
	"context"
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
