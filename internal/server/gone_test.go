package server

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestGoneBeforeItWasRead: a call whose HTTP request has ended before its message was handled
// is work for nobody, and its context has ended too. Else a client that leaves at once would
// have its seat until the deadline. A notification is answered before it is handled, and is
// handled all the same.
func TestGoneBeforeItWasRead(t *testing.T) {
	s := New(Config{Version: "test"})
	for _, c := range []struct {
		method string
		known  bool
		want   error
	}{
		{methodCallTool, true, nil},
		{methodCallTool, false, errDisconnected},
		{methodReadResource, false, errDisconnected},
		{"notifications/initialized", false, nil},
	} {
		mark := "mark"
		if c.known {
			s.httpRequests.Store(mark, t.Context())
		}
		req := &mcp.CallToolRequest{Session: new(mcp.ServerSession), Params: &mcp.CallToolParamsRaw{}, Extra: &mcp.RequestExtra{Header: http.Header{requestMark: {mark}}}}
		ran := false
		_, err := s.followCaller(func(ctx context.Context, _ string, _ mcp.Request) (mcp.Result, error) {
			ran = true
			if got := context.Cause(ctx); !errors.Is(got, c.want) {
				t.Errorf("%s, known %v: its context ended with %v, want %v", c.method, c.known, got, c.want)
			}
			return nil, nil
		})(t.Context(), c.method, req)
		if err != nil || !ran {
			t.Errorf("%s: ran is %v (%v)", c.method, ran, err)
		}
		s.httpRequests.Delete(mark)
	}
}
