package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The process that has the lock of a state folder listens on a socket in it, where the
// others on the same machine find it:
//
//	run/           a folder of mode 0700, whatever the mode of the state folder is
//	run/socket     the socket, mode 0600
//	run/elsewhere  where the path of the socket would be too long for the system: the path of
//	               one that is in a folder of its own among the temporary files
//
// Both are written, and what a process that was killed has left of them is removed, by
// whoever has the lock, and by nobody else.
const (
	runDir        = "run"
	socketFile    = "socket"
	elsewhereFile = "elsewhere"
)

// socketPathMax is the longest path, in bytes, that every system takes for a socket: the
// least is macOS with 104, of which one ends the text.
const socketPathMax = 100

// listen listens in a state folder of which this process has the lock. Closing the listener
// removes the socket.
func listen(state string) (net.Listener, error) {
	dir := filepath.Join(state, runDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// It may be there from before. The mode of the folder is what keeps others away: a socket
	// has its own only after it can be connected to.
	if err := os.Chmod(dir, 0o700); err != nil && runtime.GOOS != "windows" {
		return nil, err
	}
	path, pointer := filepath.Join(dir, socketFile), filepath.Join(dir, elsewhereFile)
	if old, err := socketAddress(state); err == nil && old != path {
		_ = os.RemoveAll(filepath.Dir(old)) // it may be gone, with the other temporary files
	}
	for _, stale := range []string{path, pointer} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if len(path) <= socketPathMax {
		return listenAt(path)
	}
	short, err := os.MkdirTemp("", elsewherePrefix)
	if err != nil {
		return nil, err
	}
	path = filepath.Join(short, socketFile)
	l, err := listenAt(path)
	if err == nil {
		if err = os.WriteFile(pointer, []byte(path), 0o600); err != nil {
			l.Close()
		}
	}
	if err != nil {
		os.RemoveAll(short)
		return nil, err
	}
	return &elsewhere{l, short, pointer}, nil
}

// elsewherePrefix begins the names of folders for sockets that are elsewhere.
const elsewherePrefix = "gridflow-"

func listenAt(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil && runtime.GOOS != "windows" {
		l.Close()
		return nil, err
	}
	return l, nil
}

// elsewhere is a listener whose socket is in a folder of its own.
type elsewhere struct {
	net.Listener
	dir, pointer string
}

func (e *elsewhere) Close() error {
	return errors.Join(os.Remove(e.pointer), e.Listener.Close(), os.RemoveAll(e.dir))
}

// socketAddress gives the path of the socket of whoever has the lock of a state folder.
func socketAddress(state string) (string, error) {
	path := filepath.Join(state, runDir, socketFile)
	if len(path) <= socketPathMax {
		return path, nil
	}
	text, err := os.ReadFile(filepath.Join(state, runDir, elsewhereFile))
	if err != nil {
		return "", err
	}
	// Its folder is removed one day, so it has to look like one of ours.
	path = string(text)
	if !filepath.IsAbs(path) || filepath.Base(path) != socketFile || !strings.HasPrefix(filepath.Base(filepath.Dir(path)), elsewherePrefix) {
		return "", fmt.Errorf("%s names no socket", elsewhereFile)
	}
	return path, nil
}
