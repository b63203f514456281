// Command flow-middleware is an MCP server that has nothing to do with spreadsheets: it
// hashes passwords' cousins, slowly. One line puts flow in front of it. Try it with two
// clients, of which one asks for a thousand proofs at once: the other does not notice.
//
//	go run ./examples/flow-middleware -listen 127.0.0.1:8090
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/flow/mcpflow"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address to listen at")
	flag.Parse()
	gate, err := flow.New(flow.Defaults(runtime.GOMAXPROCS(0), 0), flow.Listener{
		Level: func(from, to flow.Level) { log.Printf("queues: %s → %s", from, to) },
	})
	if err == nil {
		server := newServer(gate)
		handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
		err = http.ListenAndServe(*listen, handler)
	}
	fmt.Fprintln(os.Stderr, "flow-middleware:", err)
	os.Exit(1)
}

// newServer makes the server, whose calls pass the gate.
func newServer(gate *flow.Gate) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "prover", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "prove", Description: "Finds a number that, behind the text, hashes to so many zeros."}, prove)
	server.AddReceivingMiddleware(mcpflow.Middleware(mcpflow.Options{Gate: gate}))
	return server
}

type proveIn struct {
	Text  string `json:"text" jsonschema:"what the proof is for"`
	Zeros int    `json:"zeros" jsonschema:"hexadecimal zeros that the hash begins with, 1 to 6"`
}

type proveOut struct {
	Number int    `json:"number"`
	Hash   string `json:"hash"`
}

// prove takes sixteen times as long for each further zero. It looks now and then whether
// anybody still waits: a permit comes back when the work has stopped.
func prove(ctx context.Context, _ *mcp.CallToolRequest, in proveIn) (*mcp.CallToolResult, proveOut, error) {
	if in.Zeros < 1 || in.Zeros > 6 {
		return nil, proveOut{}, fmt.Errorf("zeros is %d; give 1 to 6", in.Zeros)
	}
	want := strings.Repeat("0", in.Zeros)
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, proveOut{}, context.Cause(ctx)
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", in.Text, n))
		if hash := hex.EncodeToString(sum[:]); strings.HasPrefix(hash, want) {
			return nil, proveOut{n, hash}, nil
		}
	}
}
