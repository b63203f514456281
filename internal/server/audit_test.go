package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridflow/internal/audit"
	"gridflow/internal/tools"
)

// TestAuditOfFaults: a call that panics, or fails in a way that nobody expected, is in the
// audit as one that failed, with what it had changed by then.
func TestAuditOfFaults(t *testing.T) {
	change := audit.Change{Kind: audit.FileWritten, Path: "half.xlsx"}
	var rows []tools.Tool
	for name, end := range map[string]func() (*tools.Result, error){
		"panics":  func() (*tools.Result, error) { panic("secret detail") },
		"breaks":  func() (*tools.Result, error) { return nil, errors.New("secret detail") },
		"nothing": func() (*tools.Result, error) { return nil, nil },
		"refuses": func() (*tools.Result, error) { return nil, &tools.Error{Code: "CONFLICT", Message: "secret detail"} },
		"works":   func() (*tools.Result, error) { return &tools.Result{Text: "secret detail"}, nil },
	} {
		rows = append(rows, tools.Tool{Name: name, Schema: anyObject, Call: func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			audit.Record(ctx, change)
			return end()
		}})
	}
	path := filepath.Join(t.TempDir(), "audit")
	record, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer record.Close()
	s := New(Config{Tools: rows, Audit: record})
	lines := []string{initializeMessage}
	for i, row := range rows {
		lines = append(lines, strings.Replace(legacyCall(row.Name), `"id":7`, fmt.Sprintf(`"id":1%d`, i), 1))
	}
	var out lockedBuffer
	if err := s.ServeStdio(t.Context(), strings.NewReader(strings.Join(lines, "\n")), &out, time.Minute); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"panics": "INTERNAL", "breaks": "INTERNAL", "nothing": "INTERNAL", "refuses": "CONFLICT", "works": "ok"}
	for line := range strings.Lines(string(text)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Outcome != want[e.Tool] || len(e.Changes) != 1 || e.Changes[0] != change {
			t.Errorf("%s: %s", e.Tool, line)
		}
		delete(want, e.Tool)
	}
	if len(want) > 0 || strings.Contains(string(text), "secret") {
		t.Errorf("without a line: %v; the record:\n%s", want, text)
	}
}

// TestLogHasNoArguments: what callers send is not in the log, however it is wrong, unless the
// operator has allowed it.
func TestLogHasNoArguments(t *testing.T) {
	const mark = "s3cret"
	messages := []string{
		initializeMessage,
		`{"jsonrpc":"2.0","id":"1s3cret","method":"tools/call","params":{"name":"echo","arguments":{"x":"s3cret"}}}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":"s3cret"}}`,
		`{"jsonrpc":"2.0","id":20,"method":"tools/call","params":{"name":"echo","arguments":{},"_meta":{"traceparent":"00-s3cret"}}}`,
		`{"jsonrpc":"2.0","id":21,"method":"tools/call","params":{"name":"echo","arguments":{},"_meta":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"s3cret","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":"s3cret"}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"x":"s3cret}}`,
		`{"jsonrpc":"2.0","id":{"s3cret":6},"method":"tools/call","params":{}}`,
		`{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"gridflow://wb-1/s3cret/A1"}}`,
		`{"jsonrpc":"2.0","id":8,"method":"resources/read","params":{"uri":"s3cret"}}`,
		`{"jsonrpc":"2.0","id":9,"method":"resources/subscribe","params":{"uri":"gridflow://s3cret"}}`,
		`{"jsonrpc":"2.0","id":10,"method":"prompts/get","params":{"name":"s3cret","arguments":{"s3cret":"s3cret"}}}`,
		`{"jsonrpc":"2.0","id":11,"method":"resources/list","params":{"cursor":"s3cret"}}`,
		`{"jsonrpc":"2.0","id":12,"method":"tools/list","params":{"cursor":"s3cret"}}`,
		`{"jsonrpc":"2.0","id":13,"method":"s3cret","params":{"s3cret":1}}`,
		`{"jsonrpc":"2.0","id":14,"method":"logging/setLevel","params":{"level":"s3cret"}}`,
		`{"jsonrpc":"2.0","method":"notifications/s3cret","params":"s3cret"}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s3cret","reason":"s3cret"}}`,
		`s3cret`,
	}
	for _, contents := range []bool{false, true} {
		var out, log lockedBuffer
		s := New(Config{
			Tools: fixtureTools(), Resources: fixtureResources{}, LogContents: contents,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err := s.ServeStdio(t.Context(), strings.NewReader(strings.Join(messages, "\n")), &out, time.Minute); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), `"error"`); n < 10 {
			t.Errorf("only %d errors: %s", n, out.String())
		}
		if n := strings.Count(log.String(), "trace=4bf92f3577b34da6a3ce929d0e0e4736\n"); n != 1 || strings.Count(log.String(), "trace=") != 1 {
			t.Errorf("the trace that a caller names is in the log %d times\n%s", n, log.String())
		}
		if has := strings.Contains(log.String(), mark); has != contents {
			t.Errorf("allowed: %v, logged: %v\n%s", contents, has, log.String())
		}
	}
}
