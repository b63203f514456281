package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/crew"
	"gridflow/internal/hub"
	"gridflow/internal/lock"
)

const methodResourceUpdated = "notifications/resources/updated"

// noticeMax is how long it may take to send one notice.
const noticeMax = 10 * time.Second

// notices are what sessions are to be told of changes. Each session has a queue of its own,
// and while there is something in it a goroutine that sends it, so that one who does not
// read holds up nobody else. What waits for it is bounded: of a resource that has changed
// again there is one notice still.
type notices struct {
	log     *slog.Logger
	concern func(session *mcp.ServerSession, uri string) bool // whether a notice is for a session; nil: all are

	mu      lock.Mutex[lock.ServerNotices]
	ctx     context.Context // ends the sending
	waiting map[*mcp.ServerSession]*hub.Queue[string, notice]
	lagged  uint64 // notices in whose place a later one came
	senders sync.WaitGroup
}

// notice sends itself.
type notice func(context.Context) error

func newNotices(log *slog.Logger) *notices {
	return &notices{log: log, waiting: make(map[*mcp.ServerSession]*hub.Queue[string, notice])}
}

// queue takes notices of changed resources from the SDK, which sends a notice to one session
// after the other.
func (n *notices) queue(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		session, ok := req.GetSession().(*mcp.ServerSession)
		params, about := req.GetParams().(*mcp.ResourceUpdatedNotificationParams)
		if method != methodResourceUpdated || !ok || !about {
			return next(ctx, method, req)
		}
		if n.concern != nil && !n.concern(session, params.URI) {
			return nil, nil // the URI is another workbook's for this session
		}
		n.put(session, params.URI, func(ctx context.Context) error {
			_, err := next(ctx, method, req)
			return err
		})
		return nil, nil
	}
}

// put leaves a notice for a session, and begins to send if nobody does.
func (n *notices) put(session *mcp.ServerSession, uri string, send notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx == nil || n.ctx.Err() != nil {
		return
	}
	q := n.waiting[session]
	if q == nil {
		q = hub.NewQueue[string, notice](sessionSubscriptionsMax)
		n.waiting[session] = q
		ctx := n.ctx
		n.senders.Go(func() { n.send(ctx, session, q) })
	}
	n.lagged += uint64(q.Put(uri, send))
}

// send tells a session what waits for it. When nothing does the queue is forgotten, and the
// goroutine ends: a session that is gone leaves nothing behind.
func (n *notices) send(ctx context.Context, session *mcp.ServerSession, q *hub.Queue[string, notice]) {
	for {
		n.mu.Lock()
		e, ok := q.TryNext()
		if !ok {
			delete(n.waiting, session)
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		if ctx.Err() != nil {
			continue // nobody is told any more; what waits is thrown away
		}
		if err := n.sendOne(ctx, e.Value); err != nil && ctx.Err() == nil {
			n.log.Warn("a change could not be told", "workbook", workbookIn(e.Key), "error", err)
		}
	}
}

// sendOne turns a panic into an error: here it would end the process.
func (n *notices) sendOne(ctx context.Context, send notice) (err error) {
	ctx, cancel := context.WithTimeout(ctx, noticeMax)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			p := crew.Recovered(v)
			err = fmt.Errorf("panic: %q\n%s", fmt.Sprint(p.Value), p.Stack)
		}
	}()
	return send(ctx)
}

// workbookIn cuts what is within a workbook off a URI: the log has names of workbooks only.
func workbookIn(uri string) string {
	workbook, _, _ := strings.Cut(strings.TrimPrefix(uri, resourceScheme), "/")
	return resourceScheme + workbook
}

// during lets notices be sent until tell returns, and waits for those that are being sent.
// ctx ends both.
func (n *notices) during(ctx context.Context, tell func()) {
	ctx, cancel := context.WithCancel(ctx)
	n.mu.Lock()
	n.ctx = ctx
	n.mu.Unlock()
	defer n.senders.Wait()
	defer cancel()
	tell()
}
