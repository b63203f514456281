package server

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow/mcpflow"
	"gridflow/internal/access"
	"gridflow/internal/principal"
)

// Who makes a request has two parts. The client is who can be held to account: the user, or
// where nobody is asked who he is, the machine. All bounds are of the client. Within it the
// part is what the caller says of itself: its session, or the program that it claims to be.
// A session is to be had for the asking and a name costs nothing, so that a program which
// changes them with every call takes from the others of its machine, and from nobody else.

// connectionMark is the header key under which the HTTP handler tells the middleware which
// machine a request came from. As with requestMark, no client can send it.
const connectionMark = "gridflow connection"

// thisMachine is the client that calls over standard streams, over a pipe of another
// process on the same state folder, or from a loopback address.
const thisMachine = "local"

// userPrefix begins the names of clients that have said who they are.
const userPrefix = "user "

// client says who is held to account for a request.
func client(req mcp.Request) string {
	if user := userOf(req); user != "" {
		return userPrefix + user
	}
	return machineOf(req)
}

// machineOf says which machine a request came from.
func machineOf(req mcp.Request) string {
	if extra := req.GetExtra(); extra != nil {
		if mark := extra.Header[connectionMark]; len(mark) == 1 {
			return mark[0]
		}
	}
	return thisMachine
}

// part says who of its client makes a request: the session; or, where there is none, the
// program that says its name. The connection would not do: a program that makes many calls
// at once opens a connection for each, and would be as many.
func part(req mcp.Request) string {
	if p := mcpflow.Part(req); p != "" {
		return p
	}
	if extra := req.GetExtra(); extra != nil {
		if mark := extra.Header[connectionMark]; len(mark) == 1 {
			p := "program " + clip(programOf(req), 100)
			if userOf(req) != "" {
				p += " at " + mark[0]
			}
			return p
		}
	}
	return "stdio"
}

// principalOf gives the principal that a request is of, nil where nobody was asked.
func principalOf(req mcp.Request) *principal.Principal {
	if extra := req.GetExtra(); extra != nil {
		return access.PrincipalOf(extra.TokenInfo)
	}
	return nil
}

func userOf(req mcp.Request) string {
	if extra := req.GetExtra(); extra != nil && extra.TokenInfo != nil {
		return extra.TokenInfo.UserID
	}
	return ""
}

// clientInfoKey is where a request of the era without sessions says what program it is from.
const clientInfoKey = "io.modelcontextprotocol/clientInfo"

func programOf(req mcp.Request) string {
	info, _ := mcpflow.Meta(req)[clientInfoKey].(map[string]any)
	name, _ := info["name"].(string)
	version, _ := info["version"].(string)
	return name + " " + version
}

// weight gives the weight of the client that makes a request, among clients.
func (f *Flow) weight(req mcp.Request) int64 {
	if p := principalOf(req); p != nil && p.Weight > 0 {
		return p.Weight
	}
	if f.Weights == nil || f.Weights.None() {
		return 1
	}
	return f.Weights.Client(userOf(req))
}

// partWeight gives the weight of the program that makes a request, among the parts of its
// client.
func (f *Flow) partWeight(req mcp.Request) int64 {
	if f.Weights == nil || f.Weights.None() {
		return 1
	}
	if named, ok := req.(interface{ ClientInfo() *mcp.Implementation }); ok {
		if info := named.ClientInfo(); info != nil {
			return f.Weights.Part(info.Name)
		}
	}
	return 1
}

// clientOf says who is held to account for a request, as client does for its message; and
// partOf which part of it makes the request, "" where the headers do not tell.
func (e *endpoint) clientOf(r *http.Request) string {
	if info := auth.TokenInfoFromContext(r.Context()); info != nil && info.UserID != "" {
		return userPrefix + info.UserID
	}
	return e.origin(r)
}

func partOf(r *http.Request) string {
	if id := r.Header.Get("Mcp-Session-Id"); id != "" {
		return "session " + id
	}
	return ""
}

// origin names the machine that a request came from. Of a proxy that the operator trusts it
// is the one for which the proxy speaks: in X-Forwarded-For each proxy adds whom it was
// called by, so the last address that is no such proxy is the first that nobody could make
// up.
func (e *endpoint) origin(r *http.Request) string {
	addr, ok := addressOf(r.RemoteAddr)
	if !ok {
		return thisMachine
	}
	if !e.allowed.trusts(addr) {
		return machine(addr)
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(said) - 1; i >= 0; i-- {
		next, ok := addressOf(strings.TrimSpace(said[i]))
		if !ok {
			break // what stands before it is no better
		}
		if addr = next; !e.allowed.trusts(addr) {
			break
		}
	}
	return machine(addr)
}

// trusts tells whether an address is that of a proxy whose word counts.
func (o *HTTPOptions) trusts(addr netip.Addr) bool {
	for _, p := range o.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// addressOf reads an address with or without a port.
func addressOf(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}

// machine names a machine by its address. With IPv6 a machine has 2^64 of them and may take
// another for each call; what it is given is a network of that size.
func machine(addr netip.Addr) string {
	switch {
	case addr.IsLoopback():
		return thisMachine
	case addr.Is6():
		if network, err := addr.Prefix(64); err == nil {
			return "machine " + network.String()
		}
	}
	return "machine " + addr.String()
}
