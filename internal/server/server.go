package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/access"
	"gridflow/internal/admit"
	"gridflow/internal/audit"
	"gridflow/internal/obs"
	"gridflow/internal/tools"
)

// Config says what a Server serves. The zero value of each optional field is named.
type Config struct {
	Version     string       // of the program, as clients see it
	Tools       []tools.Tool // the rows on offer, already selected; see [Select]
	Env         *tools.Env   // handed to every call of a tool
	Resources   Resources    // nil: no resources
	Flow        *Flow        // how calls are let in; nil: all run at once
	Metrics     *obs.Metrics // counts what becomes of calls; nil: nobody does
	ToolTimeout time.Duration
	Log         *slog.Logger // nil: no log
	LogContents bool         // the log may have names that callers made up and texts of their errors
	Audit       *audit.Log   // of what changes something; nil: there is none
	Extend      *Extension   // nil: nothing but the above
}

// An Extension adds features to the SDK's server beside the rows of the table. They are
// served over the same transports and through the same middleware. The conformance
// suite's fixtures come in this way.
type Extension struct {
	Options  func(*mcp.ServerOptions) // changes the options before the server is made; nil: none
	Register func(*mcp.Server)        // adds features to it; nil: none
}

// A Call is one piece of work that admission decides about: a call of a tool, or the
// reading of a resource.
type Call struct {
	Tool      *tools.Tool     // nil: a resource is read
	Arguments json.RawMessage // of the tool, as sent
	URI       string          // of the resource
}

// Flow is what decides when each call runs.
type Flow struct {
	Gate  *flow.Gate
	Costs *flow.Costs
	Price func(context.Context, Call) flow.Work // what is known of a call before it runs

	Weights *admit.Weights // of the clients; nil: all have the same
}

// A Server serves the tools of its Config to any number of clients at once. Its
// methods may be called from any goroutine; one Server runs one transport, and beside it
// it may serve peers.
type Server struct {
	conf Config
	log  *slog.Logger
	mcp  *mcp.Server

	tools map[string]*tools.Tool
	names []string // of the tools, sorted

	// unanswered marks the answer to a call that its client has cancelled and that came
	// over HTTP with a session: the SDK gives one, the protocol asks for none, and so the
	// stream does not send it. Nobody else knows the text.
	unanswered string

	gate          *gate
	peers         sync.Map       // id of the session of a peer → its *gate
	guarded       atomic.Bool    // who calls over HTTP has been asked who he is
	subscriptions *subscriptions // nil where there are no resources
	notices       *notices
	decoding      *decoding // of messages that are not calls yet

	strangers *access.Sparing // logs what anybody can bring about
	refusals  *audit.Refusals // nil where there is no audit

	// httpRequests maps the mark that the HTTP handler leaves on a request to the
	// context of that request; see followCaller.
	httpRequests sync.Map // string → context.Context
}

// New builds a server. It does not start anything: ServeStdio, ServeHTTP or the
// handler of [Server.Handler] do. It panics if a tool's schema is no JSON object
// schema, which is a mistake in the program.
func New(conf Config) *Server {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{conf: conf, log: conf.Log, tools: make(map[string]*tools.Tool, len(conf.Tools)), gate: newGate(), notices: newNotices(conf.Log), unanswered: rand.Text(), decoding: newDecoding(decoders())}
	s.strangers = access.NewSparing(s.log)
	if conf.Audit != nil {
		s.refusals = audit.NewRefusals(conf.Audit, func(err error) {
			s.log.Error("the audit has a gap", "error", err.Error())
		})
	}
	if conf.Flow != nil {
		s.gate.refuse = func() { conf.Flow.Gate.Drain(true) }
	}
	for i := range conf.Tools {
		t := &conf.Tools[i]
		s.tools[t.Name] = t
		s.names = append(s.names, t.Name)
	}

	opts := &mcp.ServerOptions{
		Instructions: instructions(s.tools),
		Logger:       s.strangers.Logger(), // what it warns of is what clients do
		SetCacheable: cacheable,
		// Every list is fixed for the life of the process, and logging to the client is
		// not offered; said here, because the SDK's defaults are otherwise.
		Capabilities: &mcp.ServerCapabilities{
			Tools:   &mcp.ToolCapabilities{},
			Prompts: &mcp.PromptCapabilities{},
		},
	}
	if conf.Resources != nil {
		s.subscriptions = newSubscriptions(conf.Resources.Workbook)
		s.notices.concern = s.subscriptions.concern
		opts.Capabilities.Resources = &mcp.ResourceCapabilities{Subscribe: true}
		opts.SubscribeHandler = s.subscriptions.subscribe
		opts.UnsubscribeHandler = s.subscriptions.unsubscribe
	}
	extend := conf.Extend
	if extend != nil && extend.Options != nil {
		extend.Options(opts)
	}
	s.mcp = mcp.NewServer(&mcp.Implementation{Name: "gridflow", Title: "gridflow spreadsheets", Version: conf.Version}, opts)

	for i := range conf.Tools {
		t := &conf.Tools[i]
		s.mcp.AddTool(&mcp.Tool{Name: t.Name, InputSchema: noSchema}, s.callTool(t)) // describeTools says the rest
	}
	for _, p := range prompts {
		s.mcp.AddPrompt(p.definition(), p.get)
	}
	if conf.Resources != nil {
		s.mcp.AddResourceTemplate(rangeTemplate, s.readResource)
		s.mcp.AddResourceTemplate(anyTemplate, s.readResource)
	}
	if extend != nil && extend.Register != nil {
		extend.Register(s.mcp)
	}
	s.mcp.AddSendingMiddleware(s.notices.queue)
	s.mcp.AddReceivingMiddleware(
		s.endDecoding, // the SDK is done with the message
		keepLittle,
		s.dropCancelled,
		s.giveUp,        // what is answered for a call that goes on is not what comes of it
		s.recoverPanics, // around all that does work, for it may panic
		s.identify,
		s.logRequests,
		s.keepRecord,
		s.refuseWhenDraining,
		s.followCaller,
		s.checkTool,
		s.narrow,
		s.describeTools,
		s.reportProgress, // a call that waits makes progress, too
		s.admit(),
		s.refuseUnread,
		s.watchdog,
		s.bound,
		s.answerResources,
		s.forgetWatchers,
	)
	return s
}

// noSchema stands for the schema of a tool until somebody asks for it: to make those of all tools takes as long as all
// else that is done before the first answer.
var noSchema = json.RawMessage(`{"type":"object"}`)

// describeTools puts the whole of each tool into the answer to tools/list.
func (s *Server) describeTools(next mcp.MethodHandler) mcp.MethodHandler {
	whole := make(map[string]func() *mcp.Tool, len(s.tools))
	for name, t := range s.tools {
		whole[name] = sync.OnceValue(func() *mcp.Tool { return Definition(t) })
	}
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		res, err := next(ctx, method, req)
		if list, ok := res.(*mcp.ListToolsResult); ok && err == nil {
			for i, t := range list.Tools {
				if w := whole[t.Name]; w != nil {
					list.Tools[i] = w()
				}
			}
		}
		return res, err
	}
}

// Definition gives the tool as tools/list shows it. All annotations are set: clients
// take the absence of a hint for the worst case.
func Definition(t *tools.Tool) *mcp.Tool {
	destructive, openWorld := t.Destructive, false
	return &mcp.Tool{
		Name:        t.Name,
		Title:       t.Title,
		Description: t.Description,
		InputSchema: t.Schema(),
		Annotations: &mcp.ToolAnnotations{
			Title:           t.Title,
			ReadOnlyHint:    t.ReadOnly,
			DestructiveHint: &destructive,
			IdempotentHint:  t.Idempotent || t.ReadOnly,
			OpenWorldHint:   &openWorld,
		},
	}
}

// callTool makes the handler of one row: it runs the tool and words its outcome. What
// surrounds a call (admission, deadline, progress) is in the middleware.
func (s *Server) callTool(t *tools.Tool) mcp.ToolHandler {
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := t.Call(ctx, s.conf.Env, req.Params.Arguments)
		if err != nil {
			return s.errorResult(ctx, s.callError(ctx, err)), nil
		}
		if res == nil {
			return nil, fmt.Errorf("tool %s gave neither a result nor an error", t.Name)
		}
		content := make([]mcp.Content, 0, 1+len(res.Images)+len(res.Links))
		if res.Text != "" || res.Structured == nil {
			content = append(content, &mcp.TextContent{Text: res.Text})
		}
		pictures := 0
		for _, img := range res.Images {
			content = append(content, &mcp.ImageContent{MIMEType: img.MIMEType, Data: img.Data})
			pictures += len(img.Data)
		}
		for _, link := range res.Links {
			content = append(content, &mcp.ResourceLink{URI: link.URI, Name: link.Name, MIMEType: link.MIMEType})
		}
		out := &mcp.CallToolResult{Content: content}
		if res.Structured != nil {
			out.StructuredContent = res.Structured
		}
		note(ctx).bytes = len(res.Text) + len(res.Structured) + pictures
		return out, nil
	}
}

// cacheable tells clients how long lists hold. They are fixed while the process lives,
// but a client cannot know when it is replaced; hence minutes, not days.
func cacheable(_ context.Context, req mcp.Request, c *mcp.Cacheable) {
	switch _, read := req.(*mcp.ReadResourceRequest); {
	case read:
		*c = mcp.Cacheable{TTLMs: 0, CacheScope: "private"} // a file may change at any moment
	case principalOf(req) != nil: // another may be offered other tools
		*c = mcp.Cacheable{TTLMs: int(listLifetime / time.Millisecond), CacheScope: "private"}
	default:
		*c = mcp.Cacheable{TTLMs: int(listLifetime / time.Millisecond), CacheScope: "public"}
	}
}

const listLifetime = 10 * time.Minute
