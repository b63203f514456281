//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package vfs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A process that is just being started has a copy of every open file: the lock does not wait for it.
func TestLockIsGivenBackBesideACopy(t *testing.T) {
	o, err := OpenOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	l, err := o.Lock("LOCK")
	if err != nil {
		t.Fatal(err)
	}
	dup, err := unix.Dup(int(l.(held).f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = o.Lock("LOCK")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
