package server

import (
	"cmp"
	"context"
	"encoding/base64"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/crew"
	"gridflow/internal/lock"
	"gridflow/internal/tools"
)

// Resources is what the server offers as MCP resources. Its methods may be called from
// any number of goroutines at once.
//
// URIs have the form gridflow://{workbook}/{sheet}/{range}; range, or sheet and range,
// may be missing, which means the whole of the rest.
type Resources interface {
	// List gives the workbooks in any order, without reading them.
	List(ctx context.Context) ([]Resource, error)
	// Read gives what a URI names, bounded like the result of a tool. The error is a
	// *tools.Error where the caller can do something about it.
	Read(ctx context.Context, uri string) (Contents, error)
	// Workbook gives the URI of the workbook (gridflow://{workbook}) that a URI lies in, by
	// the id that Changes gives, whatever the URI calls it. It fails as Read does.
	Workbook(ctx context.Context, uri string) (string, error)
	// Changes calls fn with the URI of each workbook (gridflow://{workbook}) whose file
	// has changed, appeared or gone, until ctx is done.
	Changes(ctx context.Context, fn func(workbook string))
}

// A Resource is one entry of resources/list.
type Resource struct {
	URI, Name, Title, Description, MIMEType string

	Size int64 // in bytes, 0 where unknown
}

// Contents are what a resource holds.
type Contents struct {
	MIMEType, Text string
	Blob           []byte // in place of Text; nil: it is a text
}

var rangeTemplate = &mcp.ResourceTemplate{
	Name:        "range",
	Title:       "Range of a sheet",
	Description: "The values of a range such as A1:F40 on a sheet, as tab-separated text with row numbers and column letters. Without range: the beginning of the sheet.",
	URITemplate: "gridflow://{workbook}/{sheet}/{range}",
	MIMEType:    "text/tab-separated-values",
}

// anyTemplate takes every URI of ours: a range holds a colon, which a plain template
// variable does not match, and range or sheet may be missing. It is not listed.
var anyTemplate = &mcp.ResourceTemplate{Name: "any", URITemplate: resourceScheme + "{+path}"}

// resourcePage is the number of entries in one page of resources/list.
const resourcePage = 200

// answerResources answers resources/list from the provider, because what there is changes
// with the files, and hides anyTemplate. Everything else it passes on.
func (s *Server) answerResources(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if s.conf.Resources == nil {
			return next(ctx, method, req)
		}
		switch r := req.(type) {
		case *mcp.ListResourceTemplatesRequest:
			res, err := next(ctx, method, req)
			if list, ok := res.(*mcp.ListResourceTemplatesResult); ok && err == nil {
				list.ResourceTemplates = slices.DeleteFunc(list.ResourceTemplates, func(t *mcp.ResourceTemplate) bool { return t == anyTemplate })
			}
			return res, err
		case *mcp.ListResourcesRequest:
			cursor := ""
			if r.Params != nil {
				cursor = r.Params.Cursor
			}
			return s.resourcesFrom(ctx, cursor)
		}
		return next(ctx, method, req)
	}
}

// resourcesFrom gives the page after the entry that the cursor stands for.
func (s *Server) resourcesFrom(ctx context.Context, cursor string) (*mcp.ListResourcesResult, error) {
	all, err := s.conf.Resources.List(ctx)
	if err != nil {
		return nil, protocolError(s.callError(ctx, err))
	}
	key := func(r Resource) string { return r.Name + "\x00" + r.URI }
	// By key, but without making one for each of them again and again.
	slices.SortFunc(all, func(a, b Resource) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.URI, b.URI)) })
	first := 0
	if cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			return nil, invalidParams("the cursor is not one that this server gave out; list from the beginning without one")
		}
		// The entry itself may have gone since; its place in the order has not.
		at, found := slices.BinarySearchFunc(all, string(last), func(r Resource, last string) int { return strings.Compare(key(r), last) })
		if first = at; found {
			first++
		}
	}
	page := all[first:min(first+resourcePage, len(all))]
	res := &mcp.ListResourcesResult{
		Resources: make([]*mcp.Resource, 0, len(page)),
		Cacheable: mcp.Cacheable{CacheScope: "private"}, // files come and go
	}
	for _, r := range page {
		res.Resources = append(res.Resources, &mcp.Resource{
			URI: r.URI, Name: r.Name, Title: r.Title, Description: r.Description, MIMEType: r.MIMEType, Size: r.Size,
		})
	}
	if first+len(page) < len(all) {
		res.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(key(page[len(page)-1])))
	}
	return res, nil
}

func (s *Server) readResource(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	uri := req.Params.URI
	c, err := s.conf.Resources.Read(ctx, uri)
	if err != nil {
		e := s.callError(ctx, err)
		note(ctx).outcome = e.Code
		return nil, protocolError(e)
	}
	note(ctx).bytes = len(c.Text) + len(c.Blob)
	return &mcp.ReadResourceResult{
		Contents: []*mcp.ResourceContents{{URI: uri, MIMEType: c.MIMEType, Text: c.Text, Blob: c.Blob}},
	}, nil
}

// subscriptions knows which URIs the sessions watch: the SDK tells the watchers of an
// exact URI, but a change is a change of a whole workbook, whatever a URI calls it; and one URI
// may lie in different workbooks for principals that see different roots.
type subscriptions struct {
	workbook func(ctx context.Context, uri string) (string, error) // see Resources

	mu     lock.Mutex[lock.ServerSubscriptions]
	byURI  map[string]*watched
	counts map[*mcp.ServerSession]int
	bytes  map[*mcp.ServerSession]int // of the URIs
	// sweepAt is how many sessions there may be here before those that have ended are looked for,
	// and nobodys are URIs that only such ones watched: the SDK has kept them.
	sweepAt int
	nobodys []string
	// telling is the workbook of which a change is being told. The SDK has no context for that; it
	// tells one after the other.
	telling string
}

// watched is a URI that somebody watches: by session, the workbook that it lies in.
type watched struct {
	workbooks map[*mcp.ServerSession]string
}

// sessionSubscriptionsMax bounds what one session may watch, and sessionSubscriptionBytesMax what the URIs of
// that take.
const (
	sessionSubscriptionsMax     = 1000
	sessionSubscriptionBytesMax = 128 << 10
)

// sweepMin is the least that sweepAt is.
const sweepMin = 16

func newSubscriptions(workbook func(ctx context.Context, uri string) (string, error)) *subscriptions {
	return &subscriptions{
		workbook: workbook, byURI: make(map[string]*watched), sweepAt: sweepMin,
		counts: make(map[*mcp.ServerSession]int), bytes: make(map[*mcp.ServerSession]int),
	}
}

func (s *subscriptions) subscribe(ctx context.Context, req *mcp.SubscribeRequest) error {
	uri := req.Params.URI
	if !strings.HasPrefix(uri, resourceScheme) {
		return mcp.ResourceNotFoundError(clip(uri, 200))
	}
	workbook, err := s.workbook(ctx, uri)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byURI[uri]
	switch {
	case w != nil && w.workbooks[req.Session] != "":
		w.workbooks[req.Session] = workbook // a name may have passed to another file
		return nil
	case s.counts[req.Session] >= sessionSubscriptionsMax || s.bytes[req.Session]+len(uri) > sessionSubscriptionBytesMax:
		return protocolError(&tools.Error{
			Code:    "INVALID_PARAMS",
			Message: "this session watches as many resources as it may",
			Hint:    "Unsubscribe from some, or subscribe to whole workbooks: gridflow://{workbook}",
		})
	case w == nil:
		w = &watched{workbooks: make(map[*mcp.ServerSession]string)}
		s.byURI[uri] = w
	}
	w.workbooks[req.Session] = workbook
	s.counts[req.Session]++
	s.bytes[req.Session] += len(uri)
	return nil
}

func (s *subscriptions) unsubscribe(_ context.Context, req *mcp.UnsubscribeRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(req.Params.URI, req.Session)
	return nil
}

func (s *subscriptions) drop(uri string, session *mcp.ServerSession) {
	w := s.byURI[uri]
	if w == nil || w.workbooks[session] == "" {
		return
	}
	delete(w.workbooks, session)
	if len(w.workbooks) == 0 {
		delete(s.byURI, uri)
	}
	s.bytes[session] -= len(uri)
	if s.counts[session]--; s.counts[session] == 0 {
		delete(s.counts, session)
		delete(s.bytes, session)
	}
}

// dropEnded is drop for a session that has ended.
func (s *subscriptions) dropEnded(uri string, session *mcp.ServerSession) {
	s.drop(uri, session)
	if s.byURI[uri] == nil {
		s.nobodys = append(s.nobodys, uri)
	}
}

// sweep forgets the sessions that have ended without unsubscribing, each time that there are twice as many
// as there were after the last time. It gives URIs that nobody watches since.
func (s *subscriptions) sweep(live func() map[*mcp.ServerSession]bool) (nobodys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.counts) >= s.sweepAt {
		known := maps.Clone(s.counts) // one that begins meanwhile is not known to be live
		s.mu.Unlock()
		alive := live()
		s.mu.Lock()
		for uri, w := range s.byURI {
			for session := range w.workbooks {
				if known[session] > 0 && !alive[session] {
					s.dropEnded(uri, session)
				}
			}
		}
		s.sweepAt = max(sweepMin, 2*len(s.counts))
	}
	nobodys, s.nobodys = s.nobodys, nil
	return nobodys
}

// forgetWatchers keeps what is known of who watches what from growing with sessions that have ended: also what the SDK
// knows, which keeps the URI of each that ended without unsubscribing until somebody unsubscribes from it.
func (s *Server) forgetWatchers(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		session, ok := req.GetSession().(*mcp.ServerSession)
		if s.subscriptions == nil || !ok || method != methodSubscribe && method != methodListen {
			return next(ctx, method, req)
		}
		for _, uri := range s.subscriptions.sweep(s.liveSessions) {
			_, err := next(ctx, methodUnsubscribe, &mcp.UnsubscribeRequest{Session: session, Params: &mcp.UnsubscribeParams{URI: uri}})
			if err != nil {
				s.log.Debug("a URI that nobody watches could not be forgotten", "error", err)
			}
		}
		return next(ctx, method, req)
	}
}

// within gives the watched URIs that belong to the workbook. On the way it forgets the
// sessions that have ended without unsubscribing.
func (s *subscriptions) within(workbook string, live map[*mcp.ServerSession]bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var uris []string
	for uri, w := range s.byURI {
		concerns := false
		for session, of := range w.workbooks {
			if !live[session] {
				s.dropEnded(uri, session)
			} else if of == workbook {
				concerns = true
			}
		}
		if concerns {
			uris = append(uris, uri)
		}
	}
	slices.Sort(uris)
	return uris
}

// workbooks gives those in which something is watched.
func (s *subscriptions) workbooks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]bool)
	for _, w := range s.byURI {
		for _, workbook := range w.workbooks {
			all[workbook] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// tell runs fn, in which the SDK is told of a change of the workbook.
func (s *subscriptions) tell(workbook string, fn func()) {
	set := func(workbook string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.telling = workbook
	}
	set(workbook)
	defer set("")
	fn()
}

// concern tells whether the change that is being told is one of what a session watches under a
// URI.
func (s *subscriptions) concern(session *mcp.ServerSession, uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byURI[uri]
	return w != nil && w.workbooks[session] == s.telling
}

// watching counts the sessions that watch something; those that have ended do not count.
func (s *subscriptions) watching(live map[*mcp.ServerSession]bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.counts {
		if live[session] {
			n++
		}
	}
	return n
}

// Subscribers tells how many sessions watch resources, and how many notices they were not
// sent because a later one of the same resource came before they took it.
func (s *Server) Subscribers() (sessions int, lagged uint64) {
	if s.subscriptions != nil {
		sessions = s.subscriptions.watching(s.liveSessions())
	}
	s.notices.mu.Lock()
	defer s.notices.mu.Unlock()
	return sessions, s.notices.lagged
}

func (s *Server) liveSessions() map[*mcp.ServerSession]bool {
	live := make(map[*mcp.ServerSession]bool)
	for session := range s.mcp.Sessions() {
		live[session] = true
	}
	return live
}

// followAgain is how long after a panic of what follows the files it is begun anew.
const followAgain = time.Second

// tellChanges passes changes of files on to those who watch them, until ctx is done. It
// runs on a goroutine of its own, where a panic would end the process: one that a change
// brings about costs its notice, one of what follows the files is followed by a notice of all
// that is watched, for nobody knows what has changed meanwhile.
func (s *Server) tellChanges(ctx context.Context) {
	if s.conf.Resources == nil {
		return
	}
	tell := func(workbook string) {
		s.contained("panic; a change of a file is not told", func() { s.tellChange(ctx, workbook) })
	}
	s.notices.during(ctx, func() {
		for s.contained("panic; the files are followed anew", func() { s.conf.Resources.Changes(ctx, tell) }) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(followAgain):
			}
			for _, workbook := range s.subscriptions.workbooks() {
				tell(workbook)
			}
		}
	})
}

func (s *Server) tellChange(ctx context.Context, workbook string) {
	s.subscriptions.tell(workbook, func() {
		for _, uri := range s.subscriptions.within(workbook, s.liveSessions()) {
			// The SDK knows who watches the URI; what it sends to them waits in notices.
			err := s.mcp.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: uri})
			if err != nil && ctx.Err() == nil {
				s.log.Warn("a change could not be told", "workbook", workbook, "error", err)
			}
		}
	})
}

// contained tells whether fn has panicked, which the log says with what follows from it.
func (s *Server) contained(msg string, fn func()) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			panicked = true
			p := crew.Recovered(v)
			s.internalError(msg, thrown(p.Value), slog.String("stack", string(p.Stack)))
		}
	}()
	fn()
	return false
}
