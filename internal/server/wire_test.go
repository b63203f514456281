package server

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"gridflow/internal/tools"
)

var update = flag.Bool("update", false, "write what the server answers into the testdata")

// TestWire plays the scripts in testdata over stdio. The comment of a script lists the
// faults it guards against. Its "client" part is sent line by line, each once the server
// has gone quiet, so that the order of what it says is fixed; its "server" part is what
// it says, one message per line. Lines that begin with # are commands:
//
//	#wait 30s     let that time pass
//	#long 100     send a line of so many bytes
//	#change URI   a workbook changes
//	#stop         the process is told to stop
//
// Input ends with the script. The "end" part, if any, is how the server returns.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playScript(t, file) })
		})
	}
}

func playScript(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := make(map[string]string)
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
	}
	var out, log lockedBuffer
	resources := fixtureResources{changed: make(chan string)}
	s := New(Config{
		Version: "1.2.3", Tools: fixtureTools(), Resources: resources, ToolTimeout: 30 * time.Second,
		Env: &tools.Env{Absent: map[string]string{"draws": "office"}},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, client := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- s.ServeStdio(ctx, in, &out, 5*time.Second) }()

	for line := range strings.Lines(parts["client"]) {
		synctest.Wait()
		command, arg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch command {
		case "#wait":
			d, err := time.ParseDuration(arg)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d) // of the bubble's clock
		case "#long":
			n, err := strconv.Atoi(arg)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(client, strings.Repeat("x", n)+"\n")
		case "#change":
			resources.changed <- arg
		case "#stop":
			stop()
		default:
			io.WriteString(client, line)
		}
	}
	synctest.Wait()
	client.Close()
	end := "ok"
	if err := <-ended; err != nil {
		end = err.Error()
	}

	got := canonical(t, out.String())
	if strings.Contains(out.String(), "secret") {
		t.Error("the answers hold details of a fault")
	}
	if strings.Contains(log.String(), "cell text") {
		t.Error("the log holds arguments or results")
	}
	if *update {
		for i, f := range archive.Files {
			switch f.Name {
			case "server":
				archive.Files[i].Data = []byte(got)
			case "end":
				archive.Files[i].Data = []byte(end + "\n")
			}
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := parts["server"]; got != want {
		t.Errorf("server says\n%s\nwant\n%s\nlog\n%s", got, want, log.String())
	}
	if want := strings.TrimSpace(parts["end"]); want != "" && end != want {
		t.Errorf("server ends with %q, want %q", end, want)
	}
}

var reference = regexp.MustCompile(`reference [A-Z2-7]{10}`)

// canonical gives each message on one line with sorted keys and without what is random.
// It fails where output is not whole lines of JSON.
func canonical(t *testing.T, out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("no line of JSON: %q (%v)", line, err)
		}
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return reference.ReplaceAllString(b.String(), "reference REF")
}

// lockedBuffer is a buffer that goroutines may write to at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
