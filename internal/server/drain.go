package server

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

// A gate counts the requests in flight and lets the server stop in steps. First streams
// end, which have no end of their own. Then the gate closes: what is inside may finish,
// nothing new comes in. Last, if that takes too long, it cuts: the contexts of the
// requests inside end.
type gate struct {
	streams, closing, cut              context.Context // done once the step has begun
	endStreams, startClosing, startCut context.CancelFunc

	// refuse lets go of what waits to be let in, at the cut: its callers are told that nothing
	// was done. nil: nothing waits.
	refuse func()

	unread *unread // answers of its requests

	mu     lock.Mutex[lock.ServerDrain]
	inside int
	idle   chan struct{} // closed once closing and empty
}

func newGate() *gate {
	g := &gate{idle: make(chan struct{}), unread: newUnread()}
	g.streams, g.endStreams = csync.WithCancel(context.Background())
	g.closing, g.startClosing = csync.WithCancel(context.Background())
	g.cut, g.startCut = csync.WithCancel(context.Background())
	return g
}

// enter lets a request in, unless the gate closes. The request calls leave once.
func (g *gate) enter() (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() != nil {
		return nil, false
	}
	g.inside++
	return g.leave, true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.closing.Err() != nil {
		close(g.idle)
	}
}

// close takes the first two steps at once; it may be called several times. Whoever sees
// a stream end finds the gate closed.
func (g *gate) close() {
	defer g.endStreams()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() != nil {
		return
	}
	g.startClosing()
	if g.inside == 0 {
		close(g.idle)
	}
}

// cutGrace is how long requests that were cut may take to notice and to answer.
const cutGrace = 2 * time.Second

// drain waits until answered is closed, after which no more requests come, and nothing is inside any more: a call that was given up has
// its answer, and goes on. What is left after the budget it cuts. It tells whether everything ended by itself, and whether it ended
// at all.
func (g *gate) drain(budget time.Duration, answered <-chan struct{}) (clean, ended bool) {
	timer := time.NewTimer(budget)
	defer timer.Stop()
	if g.emptied(answered, timer.C) {
		return true, true
	}
	if g.refuse != nil {
		g.refuse()
	}
	g.startCut()
	timer.Reset(cutGrace)
	return false, g.emptied(answered, timer.C)
}

// emptied waits until all is answered and nothing is inside; false: the time was over before.
func (g *gate) emptied(answered <-chan struct{}, over <-chan time.Time) bool {
	select {
	case <-answered:
	case <-over:
		return false
	}
	g.close()
	select {
	case <-g.idle:
		return true
	case <-over:
		return false
	}
}

// Draining tells whether the server has begun to stop.
func (s *Server) Draining() bool { return s.gate.closing.Err() != nil }

// Drain tells whether the server has begun to stop, and how many requests are inside.
func (s *Server) Drain() (draining bool, inside int) {
	inside = s.gate.count()
	s.peers.Range(func(_, g any) bool {
		inside += g.(*gate).count()
		return true
	})
	return s.Draining(), inside
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside
}

// gateOf gives the gate that a request has to pass: a peer has one of its own, because it is
// drained by itself.
func (s *Server) gateOf(req mcp.Request) *gate {
	if session := req.GetSession(); session != nil {
		if id := session.ID(); id != "" {
			if g, ok := s.peers.Load(id); ok {
				return g.(*gate)
			}
		}
	}
	return s.gate
}

// Stop begins the end: streams end, and peers are told to go elsewhere. Calls are let in
// still; the transport says when that ends, too. It may be called several times.
func (s *Server) Stop() {
	s.gate.endStreams()
	s.refusals.Flush()
}
