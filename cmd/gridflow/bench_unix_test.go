//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestBenchTerminalIsClosed: what bench has started ends with it where its terminal is closed, which is told to it
// twice and to what it has started never, as that has a process group of its own.
func TestBenchTerminalIsClosed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	begun := filepath.Join(t.TempDir(), "begun")
	if err := syscall.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	// Where nohup has begun the tests the signal is ignored by all that they start, unless they handle it themselves.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	// It never listens, so that bench is still waiting for it.
	cmd := exec.CommandContext(t.Context(), self, "bench", "--url=http://127.0.0.1:1/mcp", "--", "sh", "-c", "echo $$ > "+begun+"; exec sleep 1000")
	cmd.Args[0] = "gridflow"
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(begun)
	if err != nil {
		t.Fatal(err)
	}
	server, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-server, syscall.SIGKILL)
	for range 2 {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitError {
		t.Errorf("it ended with %v; it said: %s", err, &said)
	}
	if err := syscall.Kill(server, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("what it has started is left: %v", err)
	}
}
