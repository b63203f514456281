//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slowSearch is a call that takes many seconds on the long workbook once that is loaded:
// nothing matches, and each cell takes the matcher a while.
const slowSearch = `{"workbook_id":"long","sheet_name":"Data","match_mode":"regex","query":"(?:[a-z0-9. -]*e?){24}!$"}`

// The processor time that may be used after a call was given up, in hundredths of a
// second.
var ticksAfterCancel = 100 * int64(slowness)

// midSearch waits until the process is at work on the search, stops it there, and checks
// that the search is not through.
func (r *running) midSearch() {
	r.t.Helper()
	ended := len(r.log.matching("tool=find_value"))
	begin := r.cpuTicks()
	for r.cpuTicks() < begin+10 {
		r.pause("the search is under way")
	}
	r.freeze()
	if len(r.log.matching("tool=find_value")) != ended {
		r.t.Fatal("the search was over before the test could look at it")
	}
}

// stops checks that the search ended because it was given up, soon.
func (r *running) stops(n int) {
	r.t.Helper()
	ticks := r.cpuTicks()
	start := time.Now()
	r.thaw()
	line := r.log.await(r.t, n, "tool=find_value", "outcome=CANCELLED")[n-1]
	ended := time.Since(start)
	idle := r.untilIdle()
	used := r.cpuTicks() - ticks
	figure(r.t, "ended after it was given up, and idle after that", fmt.Sprint(ended.Round(time.Millisecond), ", ", idle.Round(time.Millisecond)), "1s on a machine at rest")
	figure(r.t, "processor time after it was given up, ms", 10*used, 10*ticksAfterCancel)
	if used > ticksAfterCancel {
		r.t.Errorf("%d ms of processor time were used after the call was given up: %s", 10*used, line)
	}
}

// TestS26: a call that its client cancels during a long scan stops, and is not answered.
func TestS26_CancelStopsTheWork(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	r := servingStdio(t, root)
	tool := func(id int, name, args string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, name, args)
	}
	r.send(tool(1, "read_table", wholeTable))
	r.out.await(t, 1, `"id":1`)
	r.send(tool(2, "find_value", slowSearch))
	r.midSearch()
	r.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"the user stopped it"}}`)
	r.stops(1)
	// Cancelling what is over or was never there disturbs nobody.
	r.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never"}}`,
		tool(3, "list_workbooks", `{}`))
	r.out.await(t, 1, `"id":3`, `"result"`)
	if got := r.out.matching(`"id":2`); len(got) > 0 {
		t.Errorf("the cancelled call was answered: %s", clipped(got[0]))
	}
}

// TestS27: the same where the client closes its connection, or its machine goes away.
func TestS27_DisconnectStopsTheWork(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	r := serving(t, root)
	modern := r.client(eras[1])
	mustCall(t, modern, "read_table", wholeTable)
	session := r.openSession()
	n := 0
	for _, era := range eras {
		for _, how := range []string{"closes", "resets"} {
			t.Run(era+" "+how, func(t *testing.T) {
				r := *r
				r.t = t
				conn := r.rawCall(era, session, "find_value", slowSearch)
				r.midSearch()
				if how == "resets" {
					conn.SetLinger(0)
				}
				conn.Close()
				n++
				r.stops(n)
			})
		}
	}
	mustCall(t, modern, "list_workbooks", `{}`)
}

// openSession opens a session of the older era and gives its id.
func (r *running) openSession() string {
	r.t.Helper()
	id := ""
	for message := range strings.Lines(handshake) {
		req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url, strings.NewReader(message))
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		if id != "" {
			req.Header.Set("Mcp-Session-Id", id)
		}
		resp, err := r.http.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if id == "" {
			id = resp.Header.Get("Mcp-Session-Id")
		}
	}
	if id == "" {
		r.t.Fatal("no session was opened")
	}
	return id
}

// rawCall sends a call over a connection of its own and does not wait for the answer.
func (r *running) rawCall(era, session, tool, args string) *net.TCPConn {
	r.t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(r.url, "http://"), "/mcp")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		r.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, args)
	more := "Mcp-Session-Id: " + session + "\r\n"
	if era == eras[1] {
		body = strings.TrimSuffix(body, "}}") + fmt.Sprintf(`,"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"}}}}`, era)
		more = "Mcp-Method: tools/call\r\nMcp-Name: " + tool + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Protocol-Version: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		host, era, more, len(body), body)
	if err != nil {
		r.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// TestS21: what callers do wrong, and that they leave in the middle of a load, says nothing
// of the disk: fifty of each, of files that are sound, damaged and gone; and all can be
// read afterwards.
func TestS21_BreakerStaysClosed(t *testing.T) {
	t.Parallel()
	const each = 50
	root, _ := longRoot(t)
	sound, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "loan.xlsx"), sound)
	damaged := writeFile(t, filepath.Join(root, "damaged.xlsx"), sound[:len(sound)/2])
	writeFile(t, filepath.Join(root, "later.xlsx"), sound)
	r := serving(t, root)
	s := r.client(eras[0])
	mistakes := []struct{ tool, args, code string }{
		{"range_values", `{"workbook_id":"loan","sheet_name":"Nowhere","ranges":["A1"]}`, "SHEET_NOT_FOUND"},
		{"range_values", `{"workbook_id":"loan","sheet_name":"Schedule","ranges":["A1:B"]}`, "RANGE_INVALID"},
		{"list_sheets", `{"workbook_id":"damaged"}`, "FILE_UNREADABLE"},
		{"list_sheets", `{"workbook_id":"never-was"}`, "WORKBOOK_NOT_FOUND"},
		{"range_values", `{"workbook_id":"loan","ranges":7}`, "INVALID_PARAMS"},
	}
	for i := range each {
		m := mistakes[i%len(mistakes)]
		if i%len(mistakes) == 2 { // another damaged file each time: one that is known to be is not read again
			replaceFile(t, damaged, sound[:len(sound)/2+i])
		}
		a, err := call(t.Context(), s, m.tool, m.args)
		if err != nil || !a.failed || !strings.HasPrefix(a.text, m.code+": ") {
			t.Fatalf("%s %s: %s (%v), want %s", m.tool, m.args, clipped(a.text), err, m.code)
		}
	}
	for i := range each {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		before, sent := r.bytesRead(), r.sent.value()
		go func() {
			_, err := call(ctx, s, "read_table", wholeTable)
			left <- err
		}()
		for r.bytesRead()-before < 1<<20 {
			r.pause("the workbook is being read")
		}
		r.freeze() // or it might be through with the load before it hears of the end
		leave()
		if err := r.sent.await(r.ctx, sent+2); err != nil { // the call, and that it is cancelled
			t.Fatal(err)
		}
		r.thaw()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Fatalf("caller %d got %v", i, err)
		}
		r.log.await(t, i+1, "tool=read_table", "outcome=CANCELLED")
	}
	if lines := r.log.matching("breaker="); len(lines) > 0 {
		t.Errorf("a breaker moved: %s", lines[0])
	}
	mustCall(t, s, "list_sheets", `{"workbook_id":"later"}`)
	replaceFile(t, damaged, sound)
	mustCall(t, s, "list_sheets", `{"workbook_id":"damaged"}`)
	if text := mustCall(t, s, "range_values", `{"workbook_id":"long","sheet_name":"Data","ranges":["A2:B2"]}`); !strings.Contains(text, "key-1") {
		t.Errorf("the workbook whose loads were given up: %s", clipped(text))
	}
	m := r.scrape()
	wrong, left := m.sum("gridflow_requests_total", `outcome="user_error"`), m.sum("gridflow_requests_total", `outcome="cancelled"`)
	open := m.sum("gridflow_requests_total", `outcome="circuit_open"`)
	figure(t, "calls that a breaker refused, of and after 50 mistakes and 50 that left", open, 0)
	if open != 0 || wrong != each || left != each {
		t.Errorf("%g calls were refused by a breaker, %g were wrong and %g left; want 0, %d and %d", open, wrong, left, each, each)
	}
}
