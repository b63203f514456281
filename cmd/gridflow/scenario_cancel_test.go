//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
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
	r.t.Logf("ended %v after it was given up, idle %v later, %d ms of processor time (bound %d)", ended.Round(time.Millisecond), idle.Round(time.Millisecond), 10*used, 10*ticksAfterCancel)
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
