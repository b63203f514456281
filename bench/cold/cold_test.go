// Package cold measures what the first calls after a start cost: many callers of one
// workbook that nobody has read yet, and the program's own start.
//
//	go run ./bench/gen -out DIR
//	GRIDFLOW_WORKBOOKS=DIR go test -bench . ./bench/cold
package cold

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

const rounds = 9

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func workbooks(b *testing.B) string {
	dir := os.Getenv("GRIDFLOW_WORKBOOKS")
	if dir == "" {
		b.Skip("GRIDFLOW_WORKBOOKS is not set; make the workbooks with: go run ./bench/gen -out DIR")
	}
	return dir
}

// BenchmarkCallers compares one caller of read_table on a workbook that is not loaded
// with 200 at once: the parse is one, and the wall time is to be about the same.
func BenchmarkCallers(b *testing.B) {
	dir := workbooks(b)
	var read tools.Tool
	for _, t := range tools.Table() {
		if t.Name == "read_table" {
			read = t
		}
	}
	run := func(callers int) (wall time.Duration, loads uint64) {
		w, err := workspace.Open(context.Background(), workspace.Options{Roots: []string{dir}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Shut()
		env := &tools.Env{Workspace: w, Profile: tools.Dense, Caps: tools.DefaultCaps}
		// The last rows make the call wait for the whole table, not for its first page.
		args := json.RawMessage(`{"workbook_id":"W1","sample_mode":"last","limit":10}`)
		start := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if _, err := read.Call(context.Background(), env, args); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		return time.Since(start), w.Stats().Loads
	}
	for b.Loop() {
		var one, many []time.Duration
		for range rounds {
			d, _ := run(1)
			one = append(one, d)
			d, loads := run(200)
			many = append(many, d)
			if loads != 1 {
				b.Fatalf("%d loads for 200 callers", loads)
			}
		}
		b.ReportMetric(float64(median(one).Microseconds())/1000, "one-ms")
		b.ReportMetric(float64(median(many).Microseconds())/1000, "200-ms")
		b.ReportMetric(float64(median(many))/float64(median(one)), "200/one")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart compares the program's time to its first answer over stdio with that
// of a Go program that only prints a line.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	build := func(name, pkg string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		return out
	}
	src := filepath.Join(dir, "hello.go")
	if err := os.WriteFile(src, []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello\\n\") }\n"), 0o666); err != nil {
		b.Fatal(err)
	}
	gridflow, hello := build("gridflow", "gridflow/cmd/gridflow"), build("hello", src)
	root := b.TempDir()
	first := func(input, path string, args ...string) time.Duration {
		cmd := exec.Command(path, args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		io.WriteString(stdin, input)
		line, err := bufio.NewReader(stdout).ReadString('\n')
		took := time.Since(start)
		if err != nil || strings.TrimSpace(line) == "" {
			b.Fatalf("%s answered %q, %v", path, line, err)
		}
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		return took
	}
	const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n"
	for b.Loop() {
		var ours, runtime []time.Duration
		for range 2*rounds + 1 {
			ours = append(ours, first(initialize, gridflow, "stdio", "--root", root))
			runtime = append(runtime, first("", hello))
		}
		b.ReportMetric(float64(median(ours).Microseconds())/1000, "gridflow-ms")
		b.ReportMetric(float64(median(runtime).Microseconds())/1000, "hello-ms")
		b.ReportMetric(float64((median(ours)-median(runtime)).Microseconds())/1000, "beyond-ms")
	}
	b.ReportMetric(0, "ns/op")
}
