package server

import (
	"net/http"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestProgram: a program that opens many connections is one client; two programs on one
// machine are two.
func TestProgram(t *testing.T) {
	from := func(name any, machine string) string {
		req := &mcp.CallToolRequest{
			Params: &mcp.CallToolParamsRaw{Meta: mcp.Meta{clientInfoKey: name}},
			Extra:  &mcp.RequestExtra{Header: http.Header{connectionMark: {machine}}},
		}
		return program(req)
	}
	info := func(name string) any { return map[string]any{"name": name, "version": "1"} }
	a := from(info("agent"), "127.0.0.1")
	for _, other := range []string{from(info("flooder"), "127.0.0.1"), from(info("agent"), "192.0.2.7"), from(nil, "127.0.0.1"), from("odd", "127.0.0.2"), program(&mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}})} {
		if other == a || other == "" {
			t.Errorf("%q and %q are one client", other, a)
		}
	}
	if b := from(info("agent"), "127.0.0.1"); a != b {
		t.Errorf("%q and %q are two clients", a, b)
	}
}
