package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"gridflow/internal/lock"
)

const (
	// peersMax bounds the connections of peers.
	peersMax = 64
	// helloMax bounds the first line, in bytes, and helloWait how long it may take.
	helloMax  = 1 << 20
	helloWait = 5 * time.Second
	// acceptPause is how long nothing is accepted after that has failed.
	acceptPause = 100 * time.Millisecond
)

// methodStopping is the notice by which a server tells its peers that it stops. It does not
// reach their clients.
const methodStopping = "notifications/gridflow/stopping"

// A Hello is what a server says of itself to whoever connects to it, before the protocol
// begins: one line of JSON. Two programs can serve the same client in the same way only
// where their settings are equal.
type Hello struct {
	Gridflow int               `json:"gridflow"` // the form of what follows: 1
	Settings map[string]string `json:"settings"` // by name
	// Full says that there are as many peers as there may be: the connection ends with the hello.
	Full bool `json:"full,omitempty"`
}

// helloForm is the form that this program knows.
const helloForm = 1

// A HelloError says that whoever listens is no server that this program can talk to.
type HelloError struct{ Reason string }

func (e *HelloError) Error() string { return "no hello of a gridflow server: " + e.Reason }

// ReadHello reads the first line of a connection to a server. Its error is a [*HelloError],
// or one of reading.
func ReadHello(r *bufio.Reader) (Hello, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > helloMax {
			return Hello{}, &HelloError{fmt.Sprintf("the first line is longer than %d bytes", helloMax)}
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return Hello{}, err
		}
	}
	var h Hello
	if err := json.Unmarshal(line, &h); err != nil || h.Gridflow == 0 {
		return Hello{}, &HelloError{"the first line is something else"}
	}
	if h.Gridflow != helloForm {
		return Hello{}, &HelloError{fmt.Sprintf("its form is %d, and this program knows %d", h.Gridflow, helloForm)}
	}
	return h, nil
}

// Differing names the settings that are not the same in both, sorted.
func (h Hello) Differing(other Hello) []string {
	var names []string
	for name := range maps.Keys(h.Settings) {
		if theirs, ok := other.Settings[name]; !ok || theirs != h.Settings[name] {
			names = append(names, name)
		}
	}
	for name := range maps.Keys(other.Settings) {
		if _, ok := h.Settings[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// peers are the connections that other processes have to this one.
type peers struct {
	server *Server
	hello  []byte
	full   []byte // the hello to one too many
	budget time.Duration
	served sync.WaitGroup

	mu    lock.Mutex[lock.ServerPeers]
	conns map[net.Conn]bool
	cut   bool // calls of a peer had to be cut off
}

// ServePeers serves the clients of other processes, each over a connection of its own and
// as [Server.ServeStdio] serves one, beside the one transport, until the server stops (see
// [Server.Stop]). Then it tells the peers, which from then on keep what their clients send
// for the next server; serves what they have sent before, within the budget; and returns,
// with [ErrCut] where that was not enough. It closes l.
//
// The connections stay open until the caller calls hangUp, which it should once somebody
// else can be the server: their end is what the peers wait for.
func (s *Server) ServePeers(l net.Listener, h Hello, budget time.Duration) (hangUp func(), err error) {
	h.Gridflow = helloForm
	line, err := json.Marshal(h)
	if err != nil {
		l.Close()
		return func() {}, err
	}
	full, err := json.Marshal(Hello{Gridflow: helloForm, Full: true})
	if err != nil {
		l.Close()
		return func() {}, err
	}
	p := &peers{server: s, hello: append(line, '\n'), full: append(full, '\n'), budget: budget, conns: make(map[net.Conn]bool)}
	var accepting sync.WaitGroup
	accepting.Go(func() { p.accept(l) })
	<-s.gate.streams.Done()
	l.Close()
	accepting.Wait()
	p.served.Wait()
	if p.cut {
		err = ErrCut
	}
	return p.hangUp, err
}

func (p *peers) accept(l net.Listener) {
	stopping := p.server.gate.streams.Done()
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files: it passes
			p.server.log.Warn("a connection of another process could not be accepted", "error", err)
			select {
			case <-stopping:
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		p.mu.Lock()
		room := len(p.conns) < peersMax
		if room {
			p.conns[c] = true
		}
		p.mu.Unlock()
		if !room {
			p.server.strangers.Warn("too many processes use the state folder; one more is sent away", "most", peersMax)
			_ = c.SetWriteDeadline(time.Now().Add(acceptPause)) // a line has room before anybody reads
			_, _ = c.Write(p.full)                              // where that fails it has gone
			c.Close()
			continue
		}
		p.served.Go(func() { p.serve(c) })
	}
}

// serve serves one peer until it has gone, or until the server stops and what the peer has
// sent is answered.
func (p *peers) serve(c net.Conn) {
	s := p.server
	stopping := s.gate.streams.Done()
	defer func() {
		select {
		case <-stopping: // until hangUp
		default:
			p.forget(c)
		}
	}()
	_ = c.SetWriteDeadline(time.Now().Add(helloWait))
	if _, err := c.Write(p.hello); err != nil {
		return
	}
	_ = c.SetWriteDeadline(time.Time{})

	// Each has a gate of its own: it is drained when it has gone, and the others go on.
	g, id := newGate(), "peer "+rand.Text()
	s.peers.Store(id, g)
	defer s.peers.Delete(id)
	conn := newLineConnWith(c, c, s.checkCall, lineOptions{session: id, relayed: true, decoding: s.decoding, unread: g.unread})
	session, err := s.mcp.Connect(context.Background(), conn, nil)
	if err != nil {
		s.log.Warn("a connection of another process could not be served", "error", err)
		return
	}
	s.log.Debug("another process is connected", "session", id)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = session.Wait() }()

	budget := p.budget
	select {
	case <-ended:
	case <-conn.eof:
	case <-stopping:
		// It sends no more once it has been told, and says so by closing its side.
		begun := time.Now()
		timer := time.NewTimer(budget)
		defer timer.Stop()
		_ = c.SetWriteDeadline(begun.Add(budget + cutGrace))
		go func() { _ = conn.writeLine([]byte(`{"jsonrpc":"2.0","method":"` + methodStopping + `"}`)) }()
		select {
		case <-ended:
		case <-conn.eof:
		case <-timer.C:
		}
		budget = max(0, budget-time.Since(begun))
	}
	select {
	case <-ended: // nobody reads the answers any more
		g.close()
		g.startCut()
		return
	default:
	}
	g.endStreams()
	conn.drain()
	clean, finished := g.drain(budget, conn.idle)
	g.close()
	conn.Close()
	if finished {
		<-ended
	}
	if !clean {
		p.mu.Lock()
		p.cut = true
		p.mu.Unlock()
	}
}

func (p *peers) forget(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	c.Close()
}

// hangUp ends all connections.
func (p *peers) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// A Backend is a connection to a server that has said its hello.
type Backend interface {
	io.ReadWriteCloser
	CloseWrite() error // says that nothing more will be sent
}

// ServeSelf serves the client of a [Pipe] of this process, as its transport, until nothing
// more is sent over the connection that it hands to use. See [Server.ServeStdio].
func (s *Server) ServeSelf(use func(Backend), budget time.Duration) error {
	fromPipe, toServer := io.Pipe()
	fromServer, toPipe := io.Pipe()
	defer toPipe.Close()
	defer fromPipe.Close()
	use(&selfConn{PipeReader: fromServer, in: toServer})
	return s.serveLines(context.Background(), newLineConnWith(fromPipe, toPipe, s.checkCall, lineOptions{relayed: true, decoding: s.decoding, unread: s.gate.unread}), budget)
}

type selfConn struct {
	*io.PipeReader
	in *io.PipeWriter
}

func (c *selfConn) Write(b []byte) (int, error) { return c.in.Write(b) }
func (c *selfConn) CloseWrite() error           { return c.in.Close() }

func (c *selfConn) Close() error {
	c.in.Close()
	return c.PipeReader.Close()
}
