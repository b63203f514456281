package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hugeMessages are requests with something long in each place that an error could repeat.
func hugeMessages(id int) []string {
	huge := strings.Repeat("w", 1_000_000)
	list := []string{
		`"method":"tools/call","params":{"name":5,"arguments":{"x":"HUGE"}}`,
		`"method":"tools/call","params":{"name":"HUGE"}`,
		`"method":"tools/call","params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"HUGE"}}`,
		`"method":"HUGE"`,
		`"method":"resources/read","params":{"uri":"file:///HUGE"}`,
		`"method":"resources/subscribe","params":{"uri":"gridflow://HUGE"}`,
		`"method":"prompts/get","params":{"name":"HUGE"}`,
		`"method":"prompts/get","params":{"name":"explore_workbook","arguments":{"HUGE":"x"}}`,
		`"method":"prompts/get","params":{"name":"explore_workbook","arguments":{"HUGE":5}}`,
		`"method":"resources/list","params":{"cursor":"!HUGE"}`,
		`"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":"HUGE"}`,
	}
	list = append(list, `"method":"tools/call","params":{"name":"echo","arguments":{"a":"]]\"",`+
		`"b":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}}`)
	for i, m := range list {
		list[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,%s}`, id+i, strings.Replace(m, "HUGE", huge, 1))
	}
	return list
}

// checkShort looks at an error as it leaves.
func checkShort(t *testing.T, message, answer string) {
	t.Helper()
	if len(answer) > 1400 || !strings.Contains(answer, `"error":{"code":-326`) || strings.Contains(answer, "mcp.") || strings.Contains(answer, "unmarshal") {
		t.Errorf("%.120s: %d bytes: %.300s", message, len(answer), answer)
	}
}

// Whatever is sent, no error repeats it at length, none speaks of types of Go, and each
// has a code.
func TestErrorsAreShort(t *testing.T) {
	var out lockedBuffer
	s := New(Config{Tools: fixtureTools(), Resources: fixtureResources{changed: make(chan string)}})
	messages := hugeMessages(10)
	in := initializeMessage + "\n" + strings.Join(messages, "\n") + "\n"
	if err := s.ServeStdio(t.Context(), strings.NewReader(in), &out, time.Minute); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 1+len(messages) {
		t.Fatalf("%d answers to %d messages", len(lines), 1+len(messages))
	}
	for _, line := range lines[1:] {
		checkShort(t, "stdio", line)
	}

	site := newSite(t, fixtureTools(), HTTPOptions{})
	session := site.open()
	for _, m := range messages {
		_, body := site.do(site.request(t.Context(), m, session))
		checkShort(t, m, body)
	}
}

// A request that comes before a session has begun is refused with a code.
func TestHTTPBeforeInitialize(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	for _, m := range []string{legacyCall("echo"), `[` + legacyCall("echo") + `]`, `{"jsonrpc":"2.0","id":7,"method":"tools/list"}`} {
		resp, body := s.do(s.request(t.Context(), m, ""))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"code":-32600,"message":"there is no session yet`) {
			t.Errorf("%s: %s: %s", m, resp.Status, body)
		}
	}
	session := s.open()
	_, body := s.do(s.request(t.Context(), initializeMessage, session))
	if !strings.Contains(body, `"code":-32600`) {
		t.Errorf("a second initialize: %s", body)
	}
}

// A body that is no JSON, or no text, is refused with a code.
func TestMalformedBody(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	session := s.open()
	for _, m := range []string{"{", "", "\xff", `{"jsonrpc":"2.0","id":"` + "\xff" + `","method":"ping"}`} {
		resp, body := s.do(s.request(t.Context(), m, session))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"id":null,"error":{"code":-32700,`) {
			t.Errorf("%q: %s: %s", m, resp.Status, body)
		}
	}
}

// A batch is bounded in its messages, and refused by one answer, on both transports.
func TestLongBatch(t *testing.T) {
	refused := fmt.Sprintf("more than %d messages", batchMax)
	for _, item := range []string{"0", `{"jsonrpc":"2.0","method":"x"}`, `{"jsonrpc":"2.0","id":1,"method":"ping"}`} {
		long := "[" + strings.Repeat(item+",", batchMax) + item + "]"
		var out bytes.Buffer
		c := newLineConn(strings.NewReader(""), &out, nil)
		if msg, err := c.accept(line{data: []byte(long)}); msg != nil || err != nil || len(c.queue) != 0 {
			t.Errorf("%s: %v, %v, %d queued", item, msg, err, len(c.queue))
		}
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, refused) {
			t.Errorf("%s: answered %.300s", item, got)
		}

		s := newSite(t, fixtureTools(), HTTPOptions{})
		resp, body := s.do(s.request(t.Context(), long, s.open()))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, refused) || len(body) > 1000 {
			t.Errorf("%s over HTTP: %s: %.300s", item, resp.Status, body)
		}
	}
}

// A call that its client has cancelled is not answered, also where the call came over HTTP
// with a session: the stream ends without a word.
func TestCancelledOverHTTP(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	session := s.open()
	got := make(chan string)
	go func() {
		resp, err := http.DefaultClient.Do(s.request(t.Context(), legacyCall("blocks"), session))
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		got <- fmt.Sprint(resp.StatusCode, " ", string(body), err)
	}()
	for {
		// The call may not have begun yet; a cancellation of nothing is ignored.
		s.do(s.request(t.Context(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`, session))
		select {
		case answer := <-got:
			if strings.Contains(answer, "jsonrpc") || !strings.HasPrefix(answer, "200 ") {
				t.Errorf("answered %q", answer)
			}
			return
		default:
		}
	}
}

// TestHalvesOfCharacters: half of a surrogate pair is refused, over lines and over HTTP in both eras, and not
// taken for another character.
func TestHalvesOfCharacters(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	session := s.open()
	for text, half := range map[string]string{
		`a\ud83d`: `\ud83d`, `\uDE00b`: `\uDE00`, `\ud83d\ud83d\ude00`: `\ud83d`, `\ude00\ud83d`: `\ude00`, `\ud83dx\ude00`: `\ud83d`, `\\\ud83d`: `\ud83d`,
		`\ud83d\ude00`: "", `\\ud83d`: "", `\u00e9\n\uFFFD`: "", `\\`: "",
	} {
		if got := string(halfPair([]byte(`{"a":"` + text + `"}`))); got != half {
			t.Errorf("%s has %q, want %q", text, got, half)
		}
		arguments := func(message string) string { return strings.Replace(message, `{}`, `{"a":"`+text+`"}`, 1) }
		answers := map[string]string{}
		_, answers["legacy"] = s.do(s.request(t.Context(), arguments(legacyCall("echo")), session))
		_, answers["modern"] = s.do(s.request(t.Context(), arguments(modernCall("echo")), ""))
		var out lockedBuffer
		if err := New(Config{Tools: fixtureTools()}).ServeStdio(t.Context(), strings.NewReader(initializeMessage+"\n"+arguments(legacyCall("echo"))+"\n"), &out, time.Minute); err != nil {
			t.Fatal(err)
		}
		answers["lines"] = out.String()
		for by, answer := range answers {
			if refused := strings.Contains(answer, `"id":7,"error"`) && strings.Contains(answer, "half of a character"); refused != (half != "") {
				t.Errorf("%s: %s is answered %s", by, text, answer)
			}
		}
	}
	if _, err := decodeID([]byte(`"\ud83d"`)); err == nil {
		t.Error("an id may be half of a character")
	}
}

// TestBatchOfOneIDTwice: over HTTP a batch in which two calls have one id is refused as a whole, for only one
// of them would be answered; a number and a text are two ids.
func TestBatchOfOneIDTwice(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	begin := strings.Replace(initializeMessage, "2025-11-25", "2025-03-26", 1)
	resp, _ := s.do(s.request(t.Context(), begin, ""))
	session := resp.Header.Get("Mcp-Session-Id")
	call := func(id string) string { return strings.Replace(legacyCall("echo"), `"id":7`, `"id":`+id, 1) }
	note := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`
	for ids, answers := range map[string]int{"1,1": 0, "1,1.0": 0, `"a","\u0061"`: 0, `1,"1"`: 2, "1,2": 2} {
		first, second, _ := strings.Cut(ids, ",")
		r := s.request(t.Context(), "["+note+","+call(first)+","+call(second)+","+note+"]", session)
		r.Header.Del("Mcp-Protocol-Version")
		resp, body := s.do(r)
		if refused := resp.StatusCode == http.StatusBadRequest && strings.Contains(body, "twice"); refused != (answers == 0) || strings.Count(body, `"result"`) != answers {
			t.Errorf("%s: %s: %s", ids, resp.Status, body)
		}
	}
}
