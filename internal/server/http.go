package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"gridflow/flow/mcpflow"
	"gridflow/internal/access"
	"gridflow/internal/principal"
	"gridflow/internal/vfs"
)

// HTTPOptions say how a server is reached.
type HTTPOptions struct {
	Path           string   // of the MCP endpoint, "/mcp"
	AllowedOrigins []string // of web pages, as scheme://host[:port]; pages of the server's own origin may always call
	AllowedHosts   []string // names that the Host header may hold besides localhost; an address may always be used unless Loopback
	Loopback       bool     // the server listens to this machine only
	MaxSessions    int      // of the older era at once; 0 means 4096. One machine may have a quarter of them, this one all

	MaxConnections int   // at once; 0 means 8192. A quarter of the files that may be open at most. One machine may have a quarter of them, this one all
	MaxBodyBytes   int64 // for requests at once: their bodies, and 40 KiB for each; and as much again for answers that clients do not read; 0 means 256 MiB. The same

	// TrustedProxies are the addresses of proxies that tell in X-Forwarded-For whom they speak
	// for. Nobody else is believed: a machine could pass for as many as it likes.
	TrustedProxies []netip.Prefix
	Metrics        bool // /metrics is served, if the server has metrics

	// Guard lets in who proves to be a principal; nil: nobody is asked who he is. /healthz and
	// /readyz are for everybody, /metrics for principals that may read them.
	Guard *access.Guard
	// Resource is what the server tells about where access tokens come from (RFC 9728), nil:
	// nothing.
	Resource *oauthex.ProtectedResourceMetadata
	// TLS encrypts the connections; nil: they are plain. It speaks HTTP/1.1.
	TLS *tls.Config
}

const (
	// headerTimeout is how long a client may take to send the header of a request.
	headerTimeout = 10 * time.Second
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 2 * time.Minute
	// sessionTimeout is how long a session of the older era lives without a request.
	sessionTimeout = 30 * time.Minute
	// sessionsMax bounds the sessions of the older era, unless HTTPOptions says otherwise.
	sessionsMax = 4096
	// streamKeepalive is how long an event stream may be silent before a comment is
	// written, so that proxies do not take it for dead.
	streamKeepalive = 15 * time.Second
	// writeTimeout is how long a client may take to accept a piece of an answer.
	writeTimeout = time.Minute
	// noticeTimeout is the same for a stream of notices. Nobody waits for one who does not
	// read, but what is kept for him should not be kept for long.
	noticeTimeout = 5 * time.Second
	// headerMax bounds the header of a request, in bytes.
	headerMax = 64 << 10
)

// statelessSince is the first revision of the protocol without sessions.
const statelessSince = "2026-07-28"

// requestMark is the header key under which the HTTP handler tells the middleware which
// request a call came in. A client cannot send it: a name in a real header holds no blank.
const requestMark = "gridflow request"

// ServeHTTP serves any number of clients on the listener, until ctx is done. Then
// /readyz says so at once, new calls are refused, event streams end, and calls in flight
// may finish within the budget; ErrCut tells that some could not.
func (s *Server) ServeHTTP(ctx context.Context, l net.Listener, o HTTPOptions, budget time.Duration) error {
	handler, err := s.Handler(o)
	if err != nil {
		return err
	}
	var open connections
	srv := &http.Server{
		Handler:           open.followed(handler),
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      writeTimeout, // of plain answers; event streams renew it with every event
		MaxHeaderBytes:    headerMax,
		ErrorLog:          log.New(s.strangers, "", 0),
	}
	srv.ConnState = open.follow
	l = &boundedListener{
		Listener: l, open: &open, most: s.connectionsMost(o.MaxConnections, vfs.FilesMax()), lingering: make(chan struct{}, lingerMax), encrypted: o.TLS != nil,
		machine: func(remote string) string {
			addr, ok := addressOf(remote)
			if !ok || addr.IsLoopback() || o.trusts(addr) {
				return ""
			}
			return machine(addr)
		},
		refused: func(reason, from string) {
			s.Refused(reason, from)
		},
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	srv.RegisterOnShutdown(open.closeFresh)
	telling, stopTelling := context.WithCancel(ctx)
	defer stopTelling()
	go s.tellChanges(telling)

	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return err // the listener broke; nothing was asked to stop
	case <-ctx.Done():
	}
	s.gate.close()
	s.log.Info("stopping", "budget", budget)

	// The listener stays open while calls finish, so that a load balancer can see that
	// this process is not ready any more.
	clean, _ := s.gate.drain(budget, s.gate.idle)
	last, cancel := context.WithTimeout(context.Background(), cutGrace)
	defer cancel()
	if err := srv.Shutdown(last); err != nil {
		clean = clean && !open.busy()
		srv.Close()
	}
	<-served
	if !clean {
		return ErrCut
	}
	return nil
}

// Handler gives the HTTP side of the server: the MCP endpoint in both eras, /healthz,
// /readyz and /metrics. The error names an origin that cannot be understood.
func (s *Server) Handler(o HTTPOptions) (http.Handler, error) {
	origins := http.NewCrossOriginProtection()
	for _, origin := range o.AllowedOrigins {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	get := func(*http.Request) *mcp.Server { return s.mcp }
	log := slog.New(slog.DiscardHandler) // what it says is said by our own log, or is noise
	e := &endpoint{
		server:  s,
		origins: origins,
		allowed: o,
		// A stateful handler refuses the newer revision, and a stateless one takes
		// cancellation and streams from clients of the older: each serves its own.
		stateless: mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
			Stateless: true, PropagateRequestCancellation: true,
			MaxRequestBodyBytes: bodyMax, DisableLocalhostProtection: true, Logger: log,
		}),
		stateful: mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
			SessionTimeout:      sessionTimeout,
			MaxRequestBodyBytes: bodyMax, DisableLocalhostProtection: true, Logger: log,
		}),
	}

	s.gate.unread.bound(cmp.Or(o.MaxBodyBytes, bodiesMax))
	mux := http.NewServeMux()
	mux.Handle(o.Path, e)
	if o.Guard != nil {
		s.guarded.Store(true)
	}
	if o.Resource != nil {
		s.tellResource(mux, o)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	if o.Metrics && s.conf.Metrics != nil {
		scrape := s.conf.Metrics.Handler(s.log)
		mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
			if e.trusts(w, r) {
				e.admit(w, r, func(w http.ResponseWriter, r *http.Request) {
					// It names roots, and tells how much everybody does.
					if p := principal.From(r.Context()); p != nil && !p.Metrics {
						e.refused(r, "metrics")
						plain(w, http.StatusForbidden, "you may not read metrics")
						return
					}
					scrape.ServeHTTP(w, r)
				})
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusNotFound, "nothing is served here; the MCP endpoint is "+o.Path)
	})
	return mux, nil
}

// plain writes a short text that no browser takes for a page and nobody keeps.
func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// endpoint is the MCP endpoint: it checks where a request comes from, reads its body
// within bounds and hands it to the handler of its era.
type endpoint struct {
	server              *Server
	origins             *http.CrossOriginProtection
	allowed             HTTPOptions
	stateless, stateful http.Handler
	sessions            sessions
	bodies              bodies
}

// trusts tells whether a request may come from where it comes; if not, it is answered.
func (e *endpoint) trusts(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !hostAllowed(r.Host, e.allowed) {
		e.refused(r, "host")
		e.server.strangers.Warn("request refused", "why", "host", "host", clip(r.Host, 200), "machine", e.origin(r))
		refuseHost(w, r.Host)
		return false
	}
	// Reading is no safer than writing here, so every method is held to what
	// cross-origin protection asks of unsafe ones.
	asPost := *r
	asPost.Method = http.MethodPost
	if err := e.origins.Check(&asPost); err != nil {
		e.refused(r, "origin")
		origin := r.Header.Get("Origin")
		e.server.strangers.Warn("request refused", "why", "origin", "origin", clip(origin, 200), "machine", e.origin(r))
		if origin == "" { // the browser says no more than that it was another site
			plain(w, http.StatusForbidden, fmt.Sprintf("pages of other sites may not call this server (Sec-Fetch-Site: %s)", clip(r.Header.Get("Sec-Fetch-Site"), 50)))
			return false
		}
		plain(w, http.StatusForbidden, fmt.Sprintf("pages of the origin %q may not call this server; the operator can allow it with --allowed-origins", clip(origin, 200)))
		return false
	}
	return true
}

// refused counts a request that was refused before its message was read.
func (e *endpoint) refused(r *http.Request, reason string) { e.server.Refused(reason, e.clientOf(r)) }

// Refused counts a request of a client, the user or the machine, that was refused before its message was read: in the
// metrics, and in the audit where it was refused for who asked or for what was sent, not for how much others do.
func (s *Server) Refused(reason, client string) {
	if m := s.conf.Metrics; m != nil {
		m.RefusedHTTP(reason)
	}
	if !ofLoad[reason] {
		s.refusals.Add(client, reason)
	}
}

// ofLoad are the reasons that say something of the server's load and nothing of who asks.
var ofLoad = map[string]bool{
	mcpflow.OutcomeOverloaded: true, mcpflow.OutcomeRateLimited: true, mcpflow.OutcomeDraining: true, "decoding": true, "connections_idle": true,
}

// admit runs next for a request whose principal is known, where there is a guard. Nothing of the
// request has been read, and nothing been taken for it, before that.
func (e *endpoint) admit(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	if e.allowed.Guard == nil {
		next(w, r)
		return
	}
	e.allowed.Guard.Admit(w, r, e.origin(r), next)
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.trusts(w, r) || e.answerPreflight(w, r) {
		return
	}
	e.admit(w, r, e.serve)
}

// serve answers a request of whoever may call.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	if e.refuseScope(w, r) || e.refuseEarly(w, r) {
		return
	}

	modern, kept := r.Header.Get("Mcp-Protocol-Version") >= statelessSince, 0
	if r.Method == http.MethodPost {
		body, release, ok := e.readBody(w, r)
		if !ok {
			return
		}
		defer release()
		kept = keptOf(body)
		turn, ok := e.beginDecoding(w, r, body)
		if !ok {
			return
		}
		defer turn.end()
		if id, problem := e.server.checkBody(body, modern, r.Header.Get("Mcp-Session-Id") != ""); problem != nil {
			answerProblem(w, id, problem, modern)
			return
		}
	}
	machine := e.origin(r)
	r.Header[connectionMark] = []string{machine}
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	stream := newEventStream(w, e.server.unanswered)
	stream.unread, stream.machine = e.server.gate.unread, machine
	defer stream.stop()
	if modern {
		e.stateless.ServeHTTP(stream, r)
		return
	}

	session, who := r.Header.Get("Mcp-Session-Id"), e.clientOf(r)
	if !e.sessions.isOf(session, who) {
		// The SDK would say that it is another user's, and so that there is one.
		e.refused(r, "session")
		plain(w, http.StatusNotFound, "session not found")
		return
	}
	if r.Method == http.MethodPost && session == "" && !e.sessions.room(e.server.mcp, who, cmp.Or(e.allowed.MaxSessions, sessionsMax)) {
		e.refused(r, "sessions")
		w.Header().Set("Retry-After", "60")
		plain(w, http.StatusServiceUnavailable, "there are as many sessions as there may be, or as many of yours; end one, or wait until one has been idle for long enough")
		return
	}
	if r.Method == http.MethodGet {
		stream.patience = noticeTimeout
		// A stream of the older era ends with its request, which ends with the server.
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(e.server.gate.streams, cancel)()
		r = r.WithContext(ctx)
	}
	ctx, done := e.sessions.use(r.Context(), session)
	defer done()
	if r.Method == http.MethodDelete {
		// The SDK waits for the session's calls, whose answers nobody wants any more.
		e.sessions.end(session)
	}
	mark := rand.Text()
	e.server.httpRequests.Store(mark, ctx)
	defer e.server.httpRequests.Delete(mark)
	r.Header[requestMark] = []string{mark}
	e.stateful.ServeHTTP(stream, r)
	if id := cmp.Or(session, w.Header().Get("Mcp-Session-Id")); kept > 0 && id != "" {
		e.displace(r, id, kept)
	}
	if session == "" {
		id := w.Header().Get("Mcp-Session-Id")
		e.sessions.begun(id, who)
		if p := principal.From(r.Context()); p != nil && p.Over != nil {
			// Who is no more what he was begins again: what he watches he may not see any more.
			e.sessions.endWith(p.Over, id, func() { e.server.closeSession(id) })
		}
	}
}

// keptMax bounds the messages that a session may keep after they were answered, in bytes.
const keptMax = 16 << 10

// keptOf tells how many places in the queue of its session a body may take with more than keptMax bytes in all.
func keptOf(body []byte) int {
	switch {
	case len(body) <= keptMax:
		return 0
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")):
		return 2 * batchMax
	}
	return 4 // as others may come at the same time
}

// displace sends a session so many short messages that ask for nothing. The SDK holds the latest messages of
// each session until others come, in the queue that it took them from: of thousands of sessions
// at rest that would be as many bodies.
func (e *endpoint) displace(r *http.Request, session string, places int) {
	const nothing = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"gridflow: none"}}`
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), displaceTime)
	defer cancel()
	for range places {
		short := r.Clone(ctx)
		short.Header.Set("Mcp-Session-Id", session)
		delete(short.Header, requestMark)
		delete(short.Header, decodeMark)
		short.Body, short.ContentLength = io.NopCloser(strings.NewReader(nothing)), int64(len(nothing))
		e.stateful.ServeHTTP(nowhere{}, short)
	}
}

// displaceTime is how long a session may take to take it. It is read from all the time.
const displaceTime = time.Second

// nowhere is an answer that nobody wants.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// answerPreflight sets the headers that let pages of an allowed origin call, and answers
// the question that a browser asks before. It tells whether that was all.
func (e *endpoint) answerPreflight(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin) // it has passed the check
	exposed := "Mcp-Session-Id, Mcp-Protocol-Version, Retry-After"
	if e.allowed.Guard != nil {
		exposed += ", WWW-Authenticate"
	}
	h.Set("Access-Control-Expose-Headers", exposed)
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// tellResource serves what the server tells about where access tokens come from: at the path of
// the endpoint below the well-known one, and at that itself. It is for everybody, pages too.
func (s *Server) tellResource(mux *http.ServeMux, o HTTPOptions) {
	tell := auth.ProtectedResourceMetadataHandler(o.Resource)
	for _, path := range []string{wellKnownResource, wellKnownResource + o.Path} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if !hostAllowed(r.Host, o) {
				refuseHost(w, r.Host)
				return
			}
			tell.ServeHTTP(w, r)
		})
	}
}

// wellKnownResource is where RFC 9728 has the metadata of a protected resource.
const wellKnownResource = "/.well-known/oauth-protected-resource"

// closeSession ends a session of the older era, if there is one of that id.
func (s *Server) closeSession(id string) {
	for session := range s.mcp.Sessions() {
		if session.ID() == id {
			_ = session.Close() // it may have ended by itself
		}
	}
}

func refuseHost(w http.ResponseWriter, host string) {
	plain(w, http.StatusForbidden, fmt.Sprintf("the host %q is not served here; the operator can allow it with --allowed-hosts", clip(host, 200)))
}

// hostAllowed tells whether the Host header may be what it is. A page that an attacker
// serves can make its own name point at this machine; then the browser takes it for the
// page's own server and only the Host header gives it away. An address cannot be made
// to point elsewhere.
func hostAllowed(host string, o HTTPOptions) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "localhost" {
		return true
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.IsLoopback() || !o.Loopback
	}
	for _, allowed := range o.AllowedHosts {
		if strings.EqualFold(name, allowed) {
			return true
		}
	}
	return false
}
