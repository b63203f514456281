//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// wholeTable is a call that needs every row of the long workbook and gives few of them.
const wholeTable = `{"workbook_id":"long","sheet_name":"Data","sample_mode":"last","limit":3}`

// crowd calls one tool from n callers on the sessions in turn, all at once: the server is
// frozen until the last request is written. join gives the answers by caller.
func (r *running) crowd(n int, sessions []*mcp.ClientSession, ctxOf func(i int) context.Context, tool, args string) (join func() ([]answer, []error)) {
	r.t.Helper()
	answers, errs := make([]answer, n), make([]error, n)
	var wg sync.WaitGroup
	before := r.sent.value()
	r.freeze()
	for i := range n {
		wg.Go(func() { answers[i], errs[i] = call(ctxOf(i), sessions[i%len(sessions)], tool, args) })
	}
	if err := r.sent.await(r.ctx, before+n); err != nil {
		r.t.Fatal(err)
	}
	r.thaw()
	return func() ([]answer, []error) { wg.Wait(); return answers, errs }
}

// lastText is what the last row of the long workbook says.
func lastText() string { return fmt.Sprintf("text of %d", longRows) }

func (r *running) clients(n int) (sessions []*mcp.ClientSession) {
	r.t.Helper()
	for i := range n {
		sessions = append(sessions, r.client(eras[i%len(eras)]))
	}
	return sessions
}

// texts gives what was answered where everybody was served.
func texts(t *testing.T, answers []answer, errs []error) (list []string) {
	t.Helper()
	for i, a := range answers {
		if errs[i] != nil || a.failed {
			t.Fatalf("caller %d: %s (%v)", i, clipped(a.text), errs[i])
		}
		list = append(list, a.text)
	}
	return list
}

// A load reads the file once and little besides: requests, directories, small parts.
const besidesTheFile = 4 << 20

// TestS01: 200 callers in 20 sessions of both eras ask one cold workbook at once: one
// load, and the same answer for everybody.
func TestS01_OneLoadForAll(t *testing.T) {
	root, size := longRoot(t)
	r := serving(t, root)
	sessions := r.clients(20)
	before := r.bytesRead()
	answers, errs := r.crowd(200, sessions, func(int) context.Context { return t.Context() }, "read_table", wholeTable)()
	text := sameTexts(t, texts(t, answers, errs))
	if !strings.Contains(text, lastText()) {
		t.Errorf("the answer is %s", clipped(text))
	}
	opened := len(r.log.await(t, 1, "workbook opened"))
	read := r.bytesRead() - before
	t.Logf("200 callers: the file was opened %d× (bound 1) and %.2f× its size was read (bound 1, and 4 MiB for the rest)", opened, float64(read)/float64(size))
	if opened != 1 || read > size+besidesTheFile {
		t.Errorf("the file was opened %d times; %d bytes were read, it has %d", opened, read, size)
	}
}

// midLoad waits until the long workbook is being read, stops the process there, and
// checks that the load was not through by then.
func (r *running) midLoad(before, size int64) {
	r.t.Helper()
	for r.bytesRead()-before < size/3 { // late enough for a slow machine to have taken in all calls
		r.pause("the workbook is being read")
	}
	r.freeze()
	if read := r.bytesRead() - before; read >= size*3/4 {
		r.t.Fatalf("the load was all but over (%d of %d bytes) before the test could look at it", read, size)
	}
}

// TestS02: of 200 callers 199 leave in the middle of the load. The last is served by the
// load that had begun. When the last has left too, the load stops.
func TestS02_LoadDiesWithItsLastWaiter(t *testing.T) {
	root, size := longRoot(t)
	for _, era := range eras {
		t.Run("http "+era, func(t *testing.T) {
			t.Parallel()
			thrice(t, func() string { return lastIsServed(t, root, size, era) })
		})
		t.Run("http "+era+" all leave", func(t *testing.T) {
			t.Parallel()
			r := serving(t, root)
			session := r.client(era)
			ctx, leave := context.WithCancel(t.Context())
			before := r.bytesRead()
			join := r.crowd(50, []*mcp.ClientSession{session}, func(int) context.Context { return ctx }, "read_table", wholeTable)
			r.midLoad(before, size)
			leave()
			r.thaw()
			join()
			r.stopsReading(before, size)
			// A call that had not begun when its client left may have no line at all.
			if n := len(r.log.matching("tool=read_table", "outcome=ok")); n != 0 {
				t.Errorf("%d calls ran to their end for nobody", n)
			}
			if text := mustCall(t, session, "read_table", wholeTable); !strings.Contains(text, lastText()) {
				t.Errorf("a later caller got %s", clipped(text))
			}
		})
	}
	t.Run("stdio", func(t *testing.T) {
		t.Parallel()
		thrice(t, func() string { return lastIsServedOnStdio(t, root, size) })
	})
	t.Run("stdio all leave", func(t *testing.T) {
		t.Parallel()
		r := servingStdio(t, root)
		before := r.bytesRead()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_table","arguments":` + wholeTable + `}}`)
		r.midLoad(before, size)
		r.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		r.thaw()
		r.log.await(t, 1, "tool=read_table", "outcome=CANCELLED")
		r.stopsReading(before, size)
	})
}

// lastIsServed has 199 of 200 callers leave, and says what is wrong then, if anything is.
func lastIsServed(t *testing.T, root string, size int64, era string) (wrong string) {
	r := serving(t, root)
	session := r.client(era)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	before := r.bytesRead()
	join := r.crowd(200, []*mcp.ClientSession{session}, func(i int) context.Context {
		if i == 0 { // the first: on a slow machine the last may come only when the others have left
			return t.Context()
		}
		return ctx
	}, "read_table", wholeTable)
	r.midLoad(before, size)
	leave()
	r.thaw()
	answers, errs := join()
	for i, err := range errs[1:] {
		if !errors.Is(err, context.Canceled) {
			return fmt.Sprintf("caller %d: %s (%v)", i+1, clipped(answers[i+1].text), err)
		}
	}
	if errs[0] != nil || !strings.Contains(answers[0].text, lastText()) {
		t.Fatalf("who stayed got %s (%v)", clipped(answers[0].text), errs[0])
	}
	r.untilIdle()
	read := r.bytesRead() - before
	t.Logf("199 of 200 left: %.2f× the file was read (bound 1, and 4 MiB for the rest)", float64(read)/float64(size))
	if read > size+besidesTheFile {
		return fmt.Sprintf("%d bytes were read of a file of %d", read, size)
	}
	if n := len(r.log.matching("tool=read_table", "outcome=ok")); n != 1 {
		return fmt.Sprintf("%d calls ran to their end, want that of who stayed", n)
	}
	return ""
}

// thrice tries up to three times what a busy machine may spoil: a load may be over before the server has been
// told who has left. Each try says what is wrong, if anything is.
func thrice(t *testing.T, try func() (wrong string)) {
	t.Helper()
	wrong := ""
	for range 3 {
		if wrong = try(); wrong == "" {
			return
		}
		t.Log(wrong)
	}
	t.Error("again and again: ", wrong)
}

// lastIsServedOnStdio cancels 199 of 200 calls, and says what is wrong then, if anything is.
func lastIsServedOnStdio(t *testing.T, root string, size int64) (wrong string) {
	r := servingStdio(t, root)
	before := r.bytesRead()
	var cancels []string
	for i := 1; i <= 200; i++ {
		r.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read_table","arguments":%s}}`, i, wholeTable))
		cancels = append(cancels, fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, i))
	}
	r.midLoad(before, size)
	r.send(cancels[:199]...)
	r.thaw()
	r.out.await(t, 1, `"id":200`, lastText())
	// What was cancelled is not answered; the ping is behind it all.
	r.send(`{"jsonrpc":"2.0","id":"end","method":"ping"}`)
	r.out.await(t, 1, `"id":"end"`)
	r.untilIdle()
	if read := r.bytesRead() - before; read > size+besidesTheFile {
		return fmt.Sprintf("%d bytes were read of a file of %d", read, size)
	}
	if got := len(r.out.matching(`"id":`)); got != 3 { // handshake, who stayed, ping
		return fmt.Sprintf("%d answers, want 3", got)
	}
	r.log.await(t, 200, "tool=read_table")
	if n := len(r.log.matching("tool=read_table", "outcome=ok")); n != 1 {
		return fmt.Sprintf("%d calls ran to their end, want that of who stayed", n)
	}
	return ""
}

// stopsReading checks that a load that nobody waits for ends before the file does.
func (r *running) stopsReading(before, size int64) {
	r.t.Helper()
	ticks := r.cpuTicks()
	idle := r.untilIdle()
	used, read := r.cpuTicks()-ticks, r.bytesRead()-before
	r.t.Logf("all left: %.2f× the file was read (bound: less than 0.95), %d ms of processor time were used (bound %d), idle after %v", float64(read)/float64(size), 10*used, 10*ticksAfterCancel, idle)
	if used > ticksAfterCancel || read > size*95/100 { // what the clock says depends on what else the machine does
		r.t.Errorf("the load went on for nobody: %d of %d bytes were read, %d ms of processor time were used", read, size, 10*used)
	}
}

// TestS03: everybody who asks for a damaged file gets the same typed error, from one
// load; once the file is mended the next call succeeds.
func TestS03_DamagedFileHeals(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	sound, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(root, "loan.xlsx"), sound[:len(sound)/2])
	r := serving(t, root)
	sessions := r.clients(20)
	answers, errs := r.crowd(200, sessions, func(int) context.Context { return t.Context() }, "list_sheets", `{"workbook_id":"loan"}`)()
	var list []string
	for i, a := range answers {
		if errs[i] != nil || !a.failed {
			t.Fatalf("caller %d: %s (%v)", i, clipped(a.text), errs[i])
		}
		list = append(list, a.text)
	}
	text := sameTexts(t, list)
	if !strings.HasPrefix(text, "FILE_UNREADABLE: ") {
		t.Errorf("the error is %s", text)
	}
	opened := len(r.log.await(t, 1, "workbook opened"))
	t.Logf("200 callers of a damaged file: %d opening (bound 1), all told %q", opened, text)
	if opened != 1 {
		t.Errorf("it was opened %d times", opened)
	}
	replaceFile(t, path, sound)
	for _, s := range sessions[:2] {
		mustCall(t, s, "list_sheets", `{"workbook_id":"loan"}`)
	}
}

// TestS49_WireFaults: faults that no client library makes: a body that is no
// message, an unknown method, a call that is no object.
func TestS49_WireFaults(t *testing.T) {
	t.Parallel()
	r := serving(t, exampleRoot(t))
	for _, message := range []string{"", "[]", "null", `{"jsonrpc":"2.0"}`, `{"jsonrpc":"1.0","id":1,"method":"ping"}`, strings.Repeat("[", 100_000), `{"jsonrpc":"2.0","id":{},"method":"ping"}`} {
		status, body, err := post(t.Context(), t, r.url, message, nil)
		if err != nil || status < 400 || status >= 500 {
			t.Errorf("%s: %d %s (%v), want a status of the caller's fault", clipped(message), status, clipped(body), err)
		}
	}
	if status, body, err := post(t.Context(), t, r.url, strings.ReplaceAll(statelessCall("list_workbooks"), "\n", ""), nil); err != nil || status != http.StatusOK || !strings.Contains(body, "budget") {
		t.Errorf("afterwards: %d %s (%v)", status, clipped(body), err)
	}
	if !t.Failed() {
		figure(t, "malformed messages answered as the caller's fault, the server going on", 7, 7)
	}
}
