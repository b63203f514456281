package server

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"gridflow/flow"
	"gridflow/flow/kernel"
	"gridflow/flow/mcpflow"
	"gridflow/internal/obs"
	"gridflow/internal/principal"
	"gridflow/internal/tools"
)

// retryDefault is when to come back where nobody can tell: a process is replaced, or the
// queues shrink, in about this time.
const retryDefault = 2 * time.Second

// ready answers /readyz. Who asks decides where calls go: from level warn on the answer
// says that others would do better, at emergency that every call is refused here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	level := flow.Level(kernel.LevelOK)
	if f := s.conf.Flow; f != nil {
		level = f.Gate.Level()
	}
	switch {
	case s.Draining():
		retryAfter(w, 0)
		plain(w, http.StatusServiceUnavailable, "draining")
	case level >= kernel.LevelEmergency:
		retryAfter(w, 0)
		plain(w, http.StatusServiceUnavailable, "overloaded")
	case level >= kernel.LevelWarn:
		plain(w, http.StatusOK, "ready, degraded: level "+level.String())
	default:
		plain(w, http.StatusOK, "ready")
	}
}

// refuseEarly refuses a call of a tool, or the reading of a resource, before its message is read, where the headers are
// enough to tell that it would be refused. It tells whether it has.
//
// The newer era names method and tool in headers, which the SDK holds to the message later
// on. The class of a call follows from its arguments too, and from the hint in its _meta, which
// are not known here; so a call is refused only if it would be in each class that it could be of.
func (e *endpoint) refuseEarly(w http.ResponseWriter, r *http.Request) bool {
	s := e.server
	if r.Method != http.MethodPost || r.Header.Get("Mcp-Protocol-Version") < statelessSince {
		return false
	}
	var t *tools.Tool // nil: a resource is read
	name := methodReadResource
	switch method := r.Header.Get("Mcp-Method"); {
	case method == methodReadResource && s.conf.Resources != nil:
	case method == methodCallTool:
		if t = s.tools[r.Header.Get("Mcp-Name")]; t == nil {
			return false
		}
		name = t.Name
	default:
		return false
	}
	who, its := e.clientOf(r), partOf(r)
	status, outcome, text, after := http.StatusServiceUnavailable, mcpflow.OutcomeDraining, errDraining().Error(), retryDefault
	if !s.Draining() {
		refusal := s.peek(t, who, its)
		switch {
		case refusal == nil:
			return false
		case refusal.Code == flow.CodeRateLimited:
			status, outcome = http.StatusTooManyRequests, mcpflow.OutcomeRateLimited
		case refusal.Outcome == kernel.FullFlow: // others may come
			status, outcome = http.StatusTooManyRequests, mcpflow.OutcomeOverloaded
		case refusal.Code == flow.CodeOverloaded:
			outcome = mcpflow.OutcomeOverloaded
		}
		text, after = refusal.Error(), refusal.RetryAfter
	}
	e.refused(r, outcome)
	s.observe(obs.Call{Tool: name, Class: obs.NoClass, Client: who, Part: its, Outcome: outcome})
	s.log.Debug("request refused", "why", outcome, "tool", name)
	retryAfter(w, after)
	plain(w, status, text)
	return true
}

// refuseScope tells a client of the newer era, whose headers say which tool it calls, that its access
// token has not the scope for it: it may get another one then. It tells whether it has. In the
// older era the call itself is refused.
func (e *endpoint) refuseScope(w http.ResponseWriter, r *http.Request) bool {
	g := e.allowed.Guard
	if g == nil || r.Header.Get("Mcp-Protocol-Version") < statelessSince || r.Header.Get("Mcp-Method") != methodCallTool {
		return false
	}
	t := e.server.tools[r.Header.Get("Mcp-Name")]
	if t == nil || t.ReadOnly || !g.LacksScope(principal.From(r.Context())) {
		return false
	}
	g.RefuseScope(w, r, e.origin(r))
	return true
}

// peek gives the refusal that a call of the tool, nil for reading a resource, would meet whatever its arguments are:
// of those of the classes that it could be of, the one that passes first. A part of "" may
// be any.
func (s *Server) peek(t *tools.Tool, client, part string) (first *flow.Refusal) {
	f := s.conf.Flow
	if f == nil {
		return nil
	}
	highest := flow.Fast
	if t != nil && t.Reach == tools.ReachNothing {
		highest = flow.Admin
	}
	for class := highest; class <= flow.Background; class++ { // a hint may lower it to any
		r := f.Gate.Peek(class, client)
		if part != "" {
			r = f.Gate.PeekPart(class, client, part)
		}
		if r == nil {
			return nil
		}
		if first == nil || r.RetryAfter < first.RetryAfter {
			first = r
		}
	}
	return first
}

// retryAfter says when to come back, in whole seconds.
func retryAfter(w http.ResponseWriter, d time.Duration) {
	d = cmp.Or(d, retryDefault)
	w.Header().Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
}
