package server

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"gridflow/internal/lock"
)

// connections are those that are open: by machine, so that none has more than it may, and
// which carry a request, or have carried none yet. That tells whether a server that stops
// cuts anybody off: clients open connections to have them at hand, and http.Server.Shutdown
// waits for such a one as for a request, for five seconds. The zero value has none; its
// methods may be called from any goroutine.
type connections struct {
	mu        lock.Mutex[lock.ServerConnections]
	open      map[net.Conn]connection
	ofMachine map[string]int
}

type connection struct {
	state   http.ConnState
	machine string // "": it is not counted by machine
}

// admit notes a new connection, unless there are as many as there may be, in all or of the
// machine. A machine of "" is bounded by the first only.
func (c *connections) admit(conn net.Conn, machine string, most, mostOfOne int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= most || machine != "" && c.ofMachine[machine] >= mostOfOne {
		return false
	}
	if c.open == nil {
		c.open, c.ofMachine = make(map[net.Conn]connection), make(map[string]int)
	}
	c.open[conn] = connection{http.StateNew, machine}
	if machine != "" {
		c.ofMachine[machine]++
	}
	return true
}

// follow is told of each change of a connection's state.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	known, ok := c.open[conn]
	if !ok {
		return
	}
	if state != http.StateClosed && state != http.StateHijacked {
		known.state = state
		c.open[conn] = known
		return
	}
	delete(c.open, conn)
	if m := known.machine; m != "" {
		if c.ofMachine[m]--; c.ofMachine[m] == 0 {
			delete(c.ofMachine, m)
		}
	}
}

// closeFresh closes the connections that have carried no request.
func (c *connections) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, known := range c.open {
		if known.state == http.StateNew {
			conn.Close() // follow hears of it from whoever reads it
		}
	}
}

// busy tells whether any carries a request.
func (c *connections) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.open {
		if known.state == http.StateActive {
			return true
		}
	}
	return false
}

const (
	// connectionsMax bounds the connections, unless HTTPOptions says otherwise. One machine
	// may have a quarter of them; this one, and proxies that are trusted, all.
	connectionsMax = 8192
	ofOneMachine   = 4
	// lingerMax bounds the refused connections that are told so at once, lingerTime how long
	// that may take.
	lingerMax  = 64
	lingerTime = 500 * time.Millisecond
)

// tooManyConnections is what a refused connection is answered, whatever it asks for.
const tooManyConnections = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 75\r\n\r\n" +
	"there are as many connections as there may be; use one for several requests"

// A boundedListener accepts connections as long as there is room for them. Those beyond are
// answered and closed: what waited in the listener would keep others waiting.
type boundedListener struct {
	net.Listener
	open      *connections
	most      int
	machine   func(remote string) string // "": it may have all
	refused   func()
	lingering chan struct{}
	encrypted bool // what is refused is not answered, for it would not be understood
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.admit(c, l.machine(c.RemoteAddr().String()), l.most, max(l.most/ofOneMachine, 1)) {
			return c, nil
		}
		l.refused()
		l.refuse(c)
	}
}

// refuse answers a connection and closes it. Closing at once, while there is something of
// the client's to read, would take the answer away from it.
func (l *boundedListener) refuse(c net.Conn) {
	if l.encrypted {
		c.Close()
		return
	}
	select {
	case l.lingering <- struct{}{}:
	default:
		c.Close()
		return
	}
	go func() {
		defer func() { <-l.lingering }()
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(lingerTime))
		if _, err := io.WriteString(c, tooManyConnections); err != nil {
			return
		}
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(c, headerMax))
	}()
}
