package obs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
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

// TestErrorsAreRedacted: of an error the log has what happened and not what the error quotes,
// unless the operator wants it; texts that are no errors stay as they are.
func TestErrorsAreRedacted(t *testing.T) {
	var n struct{ X int8 }
	ofJSON := json.Unmarshal([]byte(`{"X":98765}`), &n)
	_, ofNumber := strconv.ParseFloat("sec\"ret", 64)
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{fmt.Errorf("sheet %q has no %q: %w", "secret", "secret", io.EOF), `sheet "…" has no "…": EOF`},
		{errors.New("it can't read `secret` or 'secret', and isn't to"), "it can't read `…` or '…', and isn't to"},
		{errors.New(`cut within "secre`), `cut within "…`},
		{errors.New(`escaped "a\"secret" after`), `escaped "…" after`},
		{fmt.Errorf("a cell: %w", ofNumber), `a cell: strconv.ParseFloat: parsing "…": invalid syntax`},
		{fmt.Errorf("a cell: %w", ofJSON), "a cell: json: cannot unmarshal a value into Go struct field .X of type int8"},
		{&fs.PathError{Op: "open", Path: "/srv/book.xlsx", Err: fs.ErrPermission}, "open /srv/book.xlsx: permission denied"},
	} {
		for _, contents := range []bool{false, true} {
			var out bytes.Buffer
			log, _, err := NewLogger(LogOptions{Format: "json", Stderr: &out, Contents: contents})
			if err != nil {
				t.Fatal(err)
			}
			log.Info("x", "error", c.err, "text", `a "text"`)
			var line struct{ Error, Text string }
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			want := c.want
			if contents {
				want = c.err.Error()
			}
			if line.Error != want || line.Text != `a "text"` {
				t.Errorf("%v: %q %q, want %q", contents, line.Error, line.Text, want)
			}
		}
	}
}
