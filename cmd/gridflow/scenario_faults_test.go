//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The faults of docs/faults.md that no other test brings to the real program.

// TestFault_Paused: a server that the system stops for a while answers all that came
// meanwhile when it goes on, and has lost nothing.
func TestFault_Paused(t *testing.T) {
	t.Parallel()
	const clients, rounds = 8, 3
	r, _ := editing(t, t.TempDir())
	var sessions []*mcp.ClientSession
	var forks []string
	sheet := ""
	for i := range clients {
		s := r.client(eras[i%2])
		sessions, forks = append(sessions, s), append(forks, newFork(t, s, "loan"))
		sheet = firstSheet(t, s, forks[i])
	}
	for round := range rounds {
		r.freeze()
		sent := r.sent.value()
		var wg sync.WaitGroup
		for i, s := range sessions {
			wg.Go(func() {
				do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, forks[i], sheet, 100*i+round)
			})
		}
		if err := r.sent.await(r.ctx, sent+clients); err != nil { // they stand in the connections
			t.Fatal(err)
		}
		r.thaw()
		wg.Wait()
		for i, s := range sessions {
			if got := at(t, s, forks[i], sheet, "Z1"); got != fmt.Sprint(100*i+round) {
				t.Errorf("round %d: fork %d has %q", round, i, got)
			}
		}
	}
	if got := r.readiness(); got != "200 ready" {
		t.Errorf("afterwards: %s", got)
	}
	figure(t, "edits sent to a server that stands still, answered when it goes on", clients*rounds, clients*rounds)
}

// TestFault_HalfOpen: clients that send half of a header, half of a body, or nothing at all
// keep nobody else from working, and cost what is open and no more.
func TestFault_HalfOpen(t *testing.T) {
	t.Parallel()
	const each, calls = 40, 50
	r := serving(t, exampleRoot(t))
	s := r.client(eras[1])
	// What the server has open before them says when they are gone: how many of them it still has after the calls depends on
	// how long those take, since it does not wait for ever for the rest of a request.
	mustCall(t, s, "range_values", `{"workbook_id":"loan","sheet_name":"Schedule","ranges":["A1:C3"]}`)
	before := r.scrape().value("process_open_fds")
	host := strings.TrimSuffix(strings.TrimPrefix(r.url, "http://"), "/mcp")
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for _, begin := range []string{
		"",
		"POST /mcp HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ",
		"POST /mcp HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nContent-Length: 1000\r\n\r\n{\"jsonrpc\":",
		"POST /mcp HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n{",
	} {
		for range each {
			c, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			if _, err := io.WriteString(c, begin); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range calls {
		mustCall(t, s, "range_values", `{"workbook_id":"loan","sheet_name":"Schedule","ranges":["A1:C3"]}`)
	}
	during := r.scrape().value("process_open_fds")
	for _, c := range open {
		c.Close()
	}
	after := r.untilMetrics("what was half open is closed", func(m scrape) bool {
		return m.value("process_open_fds") <= before+each/2 // the scrapes may have connections of their own
	}).value("process_open_fds")
	figure(t, fmt.Sprintf("calls served beside %d connections that are half open; descriptors before, then and after", len(open)), fmt.Sprintf("%d; %g, %g, %g", calls, before, during, after), fmt.Sprint(calls))
}

// TestFault_CancelStorm: calls that are cancelled in the moment in which they are sent, ids
// that are used twice at once, and cancels of what never was, leave a server that works, and
// nothing in flight.
func TestFault_CancelStorm(t *testing.T) {
	t.Parallel()
	const storms = 300
	r := servingStdio(t, exampleRoot(t))
	var lines []string
	for i := range storms {
		id := 1000 + i
		lines = append(lines,
			fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"table_profile","arguments":{"workbook_id":"sales"}}}`, id),
			fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, id),
			fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never-%d"}}`, i))
	}
	r.send(lines...)
	for i := range 20 { // the same id for two calls at once: one answer each, or an error
		call := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"table_profile","arguments":{"workbook_id":"sales"}}}`, 5000+i)
		r.send(call, call)
	}
	r.send(`{"jsonrpc":"2.0","id":9999,"method":"tools/call","params":{"name":"server_status","arguments":{"sections":["classes"]}}}`)
	r.out.await(t, 1, `"id":9999`, `"result"`)
	for i := range 20 {
		r.out.await(t, 1, fmt.Sprintf(`"id":%d`, 5000+i))
	}
	r.send(`{"jsonrpc":"2.0","id":20000,"method":"tools/call","params":{"name":"range_values","arguments":{"workbook_id":"loan","sheet_name":"Schedule","ranges":["A1:C3"]}}}`)
	r.out.await(t, 1, `"id":20000`, `"result"`)
	answered := len(r.out.matching(`"id":1`)) // of those that had been through when they were cancelled, at most
	figure(t, "calls cancelled as they were sent, those answered among them; a call afterwards", fmt.Sprintf("%d, %d; answered", storms, answered), "answered")
}

// bounded gives a program that is this one with a limit of the shell's: "-f 2048" on the size of
// files, in blocks of 512 bytes, "-n 96" on how many are open.
func bounded(t *testing.T, limit string) string {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A shell bounds itself, ignores the signal that would come, and becomes the server. Ignored
	// signals stay so.
	dir := t.TempDir()
	named, script := filepath.Join(dir, "gridflow"), filepath.Join(dir, "bounded")
	if err := os.Symlink(self, named); err != nil { // this binary goes by the name that it is called by
		t.Fatal(err)
	}
	writeScript(t, script, fmt.Sprintf("ulimit %s\ntrap '' XFSZ\nexec '%s' \"$@\"\n", limit, named))
	return script
}

// TestFault_FullDiskBase: the disk of the state folder has no room for the bytes of a workbook that a
// fork is made of. There is no fork then, and no base that is less than its hash says; with room there are.
func TestFault_FullDiskBase(t *testing.T) {
	t.Parallel()
	state, root := t.TempDir(), t.TempDir()
	book, err := os.ReadFile("../../examples/sales.xlsx") // 1.8 MB
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "sales.xlsx"), book)
	script := bounded(t, "-f 1024")
	r := servingNamed(t, script, script, root, "--state-dir="+state)
	s := r.client(eras[0])
	if a, err := call(t.Context(), s, "create_fork", `{"workbook_or_fork_id":"sales"}`); err != nil {
		t.Fatal(err)
	} else if a.failed && !strings.Contains(a.text, "state folder") { // a disk that shares what files have alike has room
		t.Errorf("refused otherwise: %s", a.text)
	}
	bases, err := os.ReadDir(filepath.Join(state, "bases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bases {
		kept, err := os.ReadFile(filepath.Join(state, "bases", b.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, book) {
			t.Errorf("bases/%s has %d bytes of %d", b.Name(), len(kept), len(book))
		}
	}
	at(t, s, "sales", "Sales", "A1")
	r.cmd.Process.Signal(syscall.SIGTERM)
	r.cmd.Wait()
	s = serving(t, root, "--state-dir="+state).client(eras[1])
	if got := at(t, s, newFork(t, s, "sales"), "Sales", "A1"); got != "Date" {
		t.Errorf("a fork that was made with room has %q in A1", got)
	}
}

// TestFault_StateDeleted: somebody deletes the state folder under a server that runs. What is written from then on would be gone
// with the process, so no edit is acknowledged any more; reads go on.
func TestFault_StateDeleted(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	r, _ := editing(t, state)
	s := r.client(eras[1])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet)
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 4; n++ {
		refused(t, "JOURNAL_FAILED", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, fork, sheet, n)
	}
	if got := at(t, s, fork, sheet, "Z1"); got != "1" {
		t.Errorf("Z1 is %q, and 1 was acknowledged last", got)
	}
	at(t, s, "loan", sheet, "A1")
}

// TestFault_FullDisk: the disk of the state folder takes no more. The edit that does not fit
// is refused, and so are all after it; what was acknowledged before is there, then and after
// a start with room; reads go on. A limit on the size of files stands in for a full disk.
func TestFault_FullDisk(t *testing.T) {
	t.Parallel()
	state, root := t.TempDir(), loanRoot(t)
	script := bounded(t, "-f 2048")
	r := servingNamed(t, script, script, root, "--state-dir="+state, "--toolsets=all")
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	acknowledged, text := 0, ""
	for n := 1; n < 1000; n++ {
		a, err := call(t.Context(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d},{"address":"Z2","value":%q}]}`, fork, sheet, n, strings.Repeat(fmt.Sprint(n), 4000)))
		if err != nil {
			t.Fatalf("edit %d: %v", n, err)
		}
		if a.failed {
			text = a.text
			break
		}
		acknowledged = n
	}
	if !strings.HasPrefix(text, "JOURNAL_FAILED: ") || strings.Contains(text, state) {
		t.Fatalf("after %d edits: %s", acknowledged, clipped(text))
	}
	r.log.await(t, 1, "level=ERROR", "the journal takes no more records", state) // where is for the operator
	refused(t, "JOURNAL_FAILED", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":7}]}`, fork, sheet)
	if n := len(r.log.matching("level=ERROR")); n != 1 {
		t.Errorf("%d errors in the log", n)
	}
	if got := at(t, s, fork, sheet, "Z1"); got != fmt.Sprint(acknowledged) {
		t.Errorf("%d edits were acknowledged, and %q is there", acknowledged, got)
	}
	at(t, s, "loan", sheet, "A1")
	r.cmd.Process.Signal(syscall.SIGTERM)
	r.cmd.Wait()
	again := serving(t, root, "--state-dir="+state, "--toolsets=all")
	s = again.client(eras[1])
	if got := at(t, s, fork, sheet, "Z1"); got != fmt.Sprint(acknowledged) {
		t.Errorf("after a start with room %q is there, want %d", got, acknowledged)
	}
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":-1}]}`, fork, sheet)
	figure(t, "acknowledged edits that are there after the disk was full, and after a start with room", acknowledged, acknowledged)
}

// TestFault_FewFiles: a process that may have few files open keeps some for its work: whoever
// opens connections and says nothing, more of them than there are files, shuts nobody out.
func TestFault_FewFiles(t *testing.T) {
	t.Parallel()
	const files, strangers = 96, 200
	script := bounded(t, fmt.Sprint("-n ", files))
	r := servingNamed(t, script, script, exampleRoot(t), "--state-dir="+t.TempDir(), "--toolsets=all")
	host := strings.TrimSuffix(strings.TrimPrefix(r.url, "http://"), "/mcp")
	for range strangers {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	// Each call has to find a place of its own. A connection that is kept between calls is one of those that may be given up,
	// and a request that is sent on it at that moment is lost, as everywhere in HTTP.
	s := r.clientAs(eras[1], "scenario", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	fork := newFork(t, s, "loan")
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":"Loan","edits":[{"address":"Z1","value":7}]}`, fork)
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"few.xlsx"}`, fork)
	for _, line := range r.log.matching("too many open files") {
		t.Error(line)
	}
	figure(t, fmt.Sprintf("connections that say nothing, beside which a process of %d files edits and saves, at once", files), strangers, strangers)
}
