package server

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"gridflow/internal/lock"
)

// A Pipe serves a client by way of a server in another process, and goes on with the next
// server when that one ends; the client is not told.
//
// Calls go to the server one by one, whatever the client sends them in, under the ids that
// the client has given them; answers come back as the bytes that the server wrote. Two
// goroutines do that: forward from the client to the server, and back, which in turn is the
// one that connects again. When a server ends,
//
//  1. forward holds what the client sends from here on;
//  2. calls that were not answered are sorted: those that change nothing are kept for the
//     next server, once; those that might have changed something are answered with
//     SERVER_MOVED, for nobody knows whether they did;
//  3. the next server is connected to, which may be this process itself;
//  4. it is told what the last one knew of the session: initialize, initialized, and what is
//     subscribed to;
//  5. it gets the calls that were kept, then forward goes on.
//
// A server that stops in good order says so. Then forward holds at once, the server answers
// what it has been sent, and nothing is left for step 2.
//
// The one invariant: each call of the client is answered once, and is run twice only if it
// changes nothing.
type Pipe struct {
	In  io.Reader
	Out io.Writer

	// Connect gives a connection to whoever is the server now. It is called again when that
	// one has ended. An error ends the pipe.
	Connect func(ctx context.Context) (Backend, error)
	// ReadOnly tells whether a tool changes nothing, whatever its arguments are.
	ReadOnly func(tool string) bool
	// Stopping is called once, when the input has ended or the pipe is to stop; nil: nobody
	// wants to know.
	Stopping func()
	Log      *slog.Logger

	conn  *lineConn
	stop  context.Context // done when calls are refused
	extra sync.WaitGroup  // goroutines that write to the server beside forward

	sending lock.Mutex[lock.ServerSending] // held while lines are written to the server

	mu      lock.Mutex[lock.ServerPipe]
	link    *link         // where calls go; nil: they wait
	come    chan struct{} // closed when there is a link again
	ended   bool          // nothing more will be sent
	flight  map[jsonrpc.ID]*relayed
	count   uint64 // of calls so far
	session pipeSession
}

// link is a connection to one server.
type link struct {
	Backend
	lines *bufio.Reader
	held  bool // the server is stopping, or has ended
}

// relayed is a call that has no answer yet.
type relayed struct {
	req    *jsonrpc.Request
	number uint64 // in the order in which they came
	unsent bool   // the server has not got all of it, and so has not run it
	again  bool   // it has been sent a second time
	acked  bool   // of a stream: the client has been told that it began
}

// pipeSession is what a server has to know of the session, beside the calls.
type pipeSession struct {
	initialize    json.RawMessage // its parameters, once it was answered; nil before
	initialized   bool
	subscriptions map[string]json.RawMessage // by URI, the parameters
}

// Run serves until the input ends or ctx is done, and then until all calls are answered,
// within the budget; [ErrCut] tells that some could not be. After ctx is done new calls
// are refused. A Pipe runs once.
func (p *Pipe) Run(ctx context.Context, budget time.Duration) error {
	p.conn = newLineConnWith(p.In, p.Out, nil, lineOptions{relays: true})
	p.stop, p.come = ctx, make(chan struct{})
	p.flight = make(map[jsonrpc.ID]*relayed)
	p.session.subscriptions = make(map[string]json.RawMessage)

	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	end := func() {
		cancel()
		p.conn.Close()
		parts.Wait()
	}
	parts.Go(func() { p.forward(run) })
	over := make(chan error, 1)
	parts.Go(func() { over <- p.serve(run) })

	select {
	case err := <-over:
		end()
		return err
	case <-p.conn.eof:
		p.Log.Debug("stdin ended")
	case <-ctx.Done():
		p.Log.Info("stopping")
		parts.Go(p.endSending)
	}
	if p.Stopping != nil {
		p.Stopping()
	}
	p.conn.drain()
	timer := time.NewTimer(budget)
	defer timer.Stop()
	select {
	case <-p.conn.idle:
		end()
		return nil
	case err := <-over:
		end()
		return err
	case <-timer.C:
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		p.cut()
	}()
	timer.Reset(cutGrace)
	select {
	case <-answered:
	case <-timer.C: // the client does not read
	}
	cancel() // but nothing is waited for: it may be stuck in a write
	return ErrCut
}

// cut answers the calls that were not waited for.
func (p *Pipe) cut() {
	e := errDraining()
	e.Message, e.Hint = "the server is stopping and did not wait for the end of the call", "Call again after it has been restarted"
	for _, r := range p.unanswered() {
		if p.settle(r) {
			p.reply(r.req, e)
		}
	}
}

// settle takes a call out of those in flight. Who does that answers it.
func (p *Pipe) settle(r *relayed) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight[r.req.ID] != r {
		return false
	}
	delete(p.flight, r.req.ID)
	return true
}

// forward hands on what the client sends, until the input ends.
func (p *Pipe) forward(ctx context.Context) {
	for {
		msg, err := p.conn.Read(ctx)
		if err != nil {
			p.endSending()
			return
		}
		p.send(ctx, msg)
	}
}

// send sends one message, as soon as there is a server.
func (p *Pipe) send(ctx context.Context, msg jsonrpc.Message) {
	req, _ := msg.(*jsonrpc.Request)
	line, err := messageLine(msg)
	if err != nil {
		p.Log.Warn("a message could not be handed on", "error", err) // an answer to nothing: the server asks nothing
		return
	}
	for {
		p.sending.Lock()
		l, come, r := p.take(req)
		if l != nil {
			if _, err := l.Write(line); err != nil && r != nil {
				p.mu.Lock()
				r.unsent = true
				p.mu.Unlock()
			}
			p.sending.Unlock()
			return
		}
		p.sending.Unlock()
		select {
		case <-come:
			continue
		case <-p.stop.Done():
			if req != nil && req.IsCall() {
				p.reply(req, errDraining())
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// take notes that a message is about to be sent. Where there is no server, or nothing is sent
// any more, it gives what to wait for.
func (p *Pipe) take(req *jsonrpc.Request) (*link, <-chan struct{}, *relayed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stop.Err() != nil:
		return nil, nil, nil
	case p.link == nil:
		return nil, p.come, nil
	case req == nil:
		return p.link, nil, nil
	}
	if !req.IsCall() {
		p.session.initialized = p.session.initialized || req.Method == "notifications/initialized"
		return p.link, nil, nil
	}
	p.count++
	r := &relayed{req: req, number: p.count}
	p.flight[req.ID] = r
	return p.link, nil, r
}

// reply answers a call in the place of a server.
func (p *Pipe) reply(req *jsonrpc.Request, e *toolError) {
	if err := p.conn.answer(req.ID, failedAnswer(req, e)); err != nil {
		p.Log.Debug("an answer could not be written", "error", err) // the client has gone: back sees it, or the input ends
	}
}

// endSending tells the server that nothing more will come, now or when there is one.
func (p *Pipe) endSending() {
	p.sending.Lock()
	defer p.sending.Unlock()
	p.mu.Lock()
	p.ended = true
	l := p.link
	p.mu.Unlock()
	if l != nil {
		_ = l.CloseWrite() // where that fails the server has gone
	}
}

// errClientGone ends a pipe.
var errClientGone = errors.New("the client does not read any more")

// serve connects to one server after the other.
func (p *Pipe) serve(ctx context.Context) error {
	for {
		b, err := p.Connect(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		l := &link{Backend: b, lines: bufio.NewReaderSize(b, 64<<10)}
		closed := context.AfterFunc(ctx, func() { b.Close() })
		if err = p.replay(l); err == nil {
			p.extra.Go(func() { p.resend(l) })
			err = p.back(l)
		}
		closed()
		b.Close()
		p.leave(l)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errClientGone):
			return err
		}
		p.mu.Lock()
		done := p.ended && len(p.flight) == 0
		p.mu.Unlock()
		if done {
			return nil
		}
		p.Log.Info("the server has ended; looking for the next", "why", err)
	}
}

// back hands on what the server sends, until it ends.
func (p *Pipe) back(l *link) error {
	for {
		line, err := l.next()
		if err != nil {
			return err
		}
		if err := p.deliver(l, line); err != nil {
			return err
		}
	}
}

// next gives the next whole line; what a server that was killed has left of one is none.
// It is as long as the server's own bound of results allows.
func (l *link) next() ([]byte, error) {
	for {
		line, err := l.lines.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// deliver hands on one line of the server.
func (p *Pipe) deliver(l *link, line []byte) error {
	method, id, ok := head(line)
	if !ok {
		p.Log.Error("the server has written what is no message; it is left out", "bytes", len(line))
		return nil
	}
	var err error
	switch {
	case method == methodStopping:
		p.hold(l)
	case method == methodAcknowledged && !p.firstAcknowledgement(line):
	case method != "":
		err = p.conn.writeLine(line)
	default:
		if p.answered(l, id, line) {
			err = p.conn.answer(id, line)
		}
	}
	if err != nil {
		return errors.Join(errClientGone, err)
	}
	return nil
}

// hold keeps what the client sends for the next server, and tells this one that it has got
// all.
func (p *Pipe) hold(l *link) {
	p.mu.Lock()
	p.unlink(l)
	p.mu.Unlock()
	// What is being written is written first, and for that the server may have to be read from.
	p.extra.Go(func() {
		p.sending.Lock()
		defer p.sending.Unlock()
		_ = l.CloseWrite() // where that fails the server has gone
	})
}

// unlink lets no more calls go to a server, also where it has not got those yet that were kept
// for it. p.mu is held.
func (p *Pipe) unlink(l *link) {
	l.held = true
	if p.link == l {
		p.link, p.come = nil, make(chan struct{})
	}
}

// leave is done with a server, and with the calls that it has not answered.
func (p *Pipe) leave(l *link) {
	p.mu.Lock()
	p.unlink(l)
	p.mu.Unlock()
	p.extra.Wait()
	p.sending.Lock() // forward has written, or has failed to
	defer p.sending.Unlock()
	for _, r := range p.unanswered() {
		cancelled := p.conn.isCancelled(r.req.ID)
		p.mu.Lock()
		kept := !cancelled && p.keep(r)
		p.mu.Unlock()
		if !kept && p.settle(r) {
			p.reply(r.req, ErrMoved())
		}
	}
}

// keep tells whether a call goes to the next server. p.mu is held.
func (p *Pipe) keep(r *relayed) bool {
	switch {
	case r.unsent:
		r.unsent = false
	case r.req.Method == methodListen:
	case r.again: // it may be what ends the servers
		return false
	case r.req.Method == methodCallTool && !p.ReadOnly(calledTool(r.req)):
		return false
	default:
		r.again = true
	}
	return true
}

// unanswered gives the calls in flight, in the order in which they came.
func (p *Pipe) unanswered() []*relayed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.flight), func(a, b *relayed) int { return cmp.Compare(a.number, b.number) })
}

// resend sends the calls that were kept and lets forward go on.
func (p *Pipe) resend(l *link) {
	p.sending.Lock()
	defer p.sending.Unlock()
	for _, r := range p.unanswered() {
		line, err := messageLine(r.req)
		if err == nil {
			_, err = l.Write(line)
		}
		if err != nil {
			p.mu.Lock()
			r.unsent = true
			p.mu.Unlock()
		}
	}
	p.mu.Lock()
	ended := p.ended
	if !l.held {
		p.link = l
		close(p.come)
	}
	p.mu.Unlock()
	if ended {
		_ = l.CloseWrite() // where that fails the server has gone
	}
}
