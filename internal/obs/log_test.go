package obs

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gridflow.log")
	log, closer, err := NewLogger(LogOptions{Format: "json", File: path})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello", "n", 1)
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"msg":"hello","n":1`) {
		t.Errorf("log holds %q", data)
	}
}

func TestLogFileThatCannotBeOpened(t *testing.T) {
	_, closer, err := NewLogger(LogOptions{File: filepath.Join(t.TempDir(), "no", "such", "dir")})
	if err == nil || closer == nil {
		t.Fatalf("got error %v, closer %v", err, closer)
	}
}

func TestQuieter(t *testing.T) {
	var out bytes.Buffer
	log, _, err := NewLogger(LogOptions{Format: "text", Level: slog.LevelDebug, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	quiet := Quieter(log, slog.LevelWarn).With("a", 1).WithGroup("g")
	quiet.Info("dropped")
	quiet.Warn("kept")
	log.Debug("loud")
	if got := out.String(); strings.Contains(got, "dropped") || !strings.Contains(got, "kept") || !strings.Contains(got, "loud") {
		t.Errorf("log holds %q", got)
	}
}
