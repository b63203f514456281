package server

import (
	"cmp"
	"container/list"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"gridflow/internal/lock"
)

// connections are those that are open: by machine, so that none has more than it may, and
// by what they carry. That tells which of them can be given up when there are as many as there
// may be, and whether a server that stops cuts anybody off: clients open connections to have
// them at hand, and http.Server.Shutdown waits for such a one as for a request, for five seconds.
// The zero value has none; its methods may be called from any goroutine.
type connections struct {
	mu       lock.Mutex[lock.ServerConnections]
	open     map[net.Conn]*connection
	machines map[string]*machineConnections // "": of all that are not counted by machine
}

// A carries is what a connection carries. Those before serving can be given up, the first of them
// first: nobody loses more by it than the time to connect again.
type carries int

const (
	idle    carries = iota // nothing, after a request
	fresh                  // nothing yet
	reading                // the beginning of a request
	serving                // a request that a handler has
)

// readingMin is how long a client may take to send the header of a request before its
// connection is given up for others.
const readingMin = time.Second

type connection struct {
	net.Conn
	machine string
	carries carries
	since   time.Time
	place   *list.Element // among those of its machine that carry the same; nil while serving
}

type machineConnections struct {
	n      int
	toGive [serving]list.List // of *connection, the longest in that state first
}

// victim gives the connection of the machine that is given up first; nil: none can be.
func (m *machineConnections) victim() *connection {
	for state := range m.toGive {
		first := m.toGive[state].Front()
		if first == nil {
			continue
		}
		if c := first.Value.(*connection); state != int(reading) || time.Since(c.since) >= readingMin {
			return c
		}
	}
	return nil
}

// admit notes a new connection, unless there are as many as there may be, in all or of the
// machine, and none of them can be given up. givenUp is one that was, nil: none; the caller
// closes it. In all it is one of the machine that has most. A machine of "" is bounded by the
// first only.
func (c *connections) admit(conn net.Conn, machine string, most, mostOfOne int) (givenUp net.Conn, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open, c.machines = make(map[net.Conn]*connection), make(map[string]*machineConnections)
	}
	var victim *connection
	switch m := c.machines[machine]; {
	case machine != "" && m != nil && m.n >= mostOfOne:
		if victim = m.victim(); victim == nil {
			return nil, false
		}
	case len(c.open) >= most:
		held := 0
		for _, m := range c.machines {
			if m.n > held {
				if v := m.victim(); v != nil {
					victim, held = v, m.n
				}
			}
		}
		if victim == nil {
			return nil, false
		}
	}
	if victim != nil {
		givenUp = victim.Conn
		c.forget(victim)
	}
	m := c.machines[machine]
	if m == nil {
		m = new(machineConnections)
		c.machines[machine] = m
	}
	m.n++
	known := &connection{Conn: conn, machine: machine}
	c.open[conn] = known
	c.turn(known, fresh)
	return givenUp, true
}

// turn notes what a connection carries from now on. c.mu is held.
func (c *connections) turn(known *connection, to carries) {
	m := c.machines[known.machine]
	if known.place != nil {
		m.toGive[known.carries].Remove(known.place)
		known.place = nil
	}
	known.carries, known.since = to, time.Now()
	if to < serving {
		known.place = m.toGive[to].PushBack(known)
	}
}

// forget is done with a connection. c.mu is held.
func (c *connections) forget(known *connection) {
	m := c.machines[known.machine]
	if known.place != nil {
		m.toGive[known.carries].Remove(known.place)
		known.place = nil
	}
	delete(c.open, known.Conn)
	if m.n--; m.n == 0 {
		delete(c.machines, known.machine)
	}
}

// follow is told of each change of a connection's state.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[plainConn(conn)]
	if known == nil {
		return
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		c.forget(known)
	case http.StateActive:
		c.turn(known, reading)
	case http.StateIdle:
		c.turn(known, idle)
	}
}

// serve notes that a handler has a request of a connection. It is false where that was given up
// while the request came: its client will not hear of it, and nothing must be done for it.
func (c *connections) serve(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[plainConn(conn)]
	if known == nil {
		return false
	}
	c.turn(known, serving)
	return true
}

// plainConn gives the connection under an encrypted one.
func plainConn(conn net.Conn) net.Conn {
	if encrypted, ok := conn.(*tls.Conn); ok {
		return encrypted.NetConn()
	}
	return conn
}

// connKey is where the context of a request has its connection.
type connKey struct{}

// followed makes a handler that runs next for requests whose connections were not given up.
func (c *connections) followed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok && !c.serve(conn) {
			panic(http.ErrAbortHandler) // which ends the connection without a word in the log
		}
		if r.ContentLength != 0 { // whoever does not want the body is not to wait for it: the HTTP server would, for ever
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		next.ServeHTTP(w, r)
	})
}

// closeFresh closes the connections that have carried no request.
func (c *connections) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, known := range c.open {
		if known.carries == fresh {
			conn.Close() // follow hears of it from whoever reads it
		}
	}
}

// busy tells whether any carries a request.
func (c *connections) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.open {
		if known.carries == reading || known.carries == serving {
			return true
		}
	}
	return false
}

// connectionsMost gives the bound of the connections of which so many are asked for, 0: as many as
// usual, where so many files may be open: without a file no connection can be accepted, and so
// none be given up for a new one, nor a workbook be read.
func (s *Server) connectionsMost(asked, files int) int {
	asked = cmp.Or(asked, connectionsMax)
	most := min(asked, max(files/connectionShare, connectionsLeast))
	if most < asked {
		s.log.Debug("connections are bounded by the number of files that may be open", "connections", most, "asked", asked, "files", files)
	}
	return most
}

const (
	// connectionShare is the part of the files that connections may take, at least connectionsLeast;
	// workbooks may take half of them.
	connectionShare  = 4
	connectionsLeast = 16
	// connectionsMax bounds the connections, unless HTTPOptions says otherwise. One machine
	// may have a quarter of them; this one, and proxies that are trusted, all: those who
	// call from here may be everybody. What keeps one of them from shutting the others out is that
	// connections which carry no request are given up for new ones.
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

// A boundedListener accepts connections as long as there is room for them, or one that carries
// no request can be given up. Those beyond are answered and closed: what waited in the listener would keep others waiting.
type boundedListener struct {
	net.Listener
	open      *connections
	most      int
	machine   func(remote string) string // "": it may have all
	refused   func(reason, from string)  // from: the machine
	lingering chan struct{}
	encrypted bool // what is refused is not answered, for it would not be understood
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := l.machine(c.RemoteAddr().String())
		givenUp, ok := l.open.admit(c, from, l.most, max(l.most/ofOneMachine, 1))
		if givenUp != nil {
			l.refused("connections_idle", from)
			givenUp.Close()
		}
		if ok {
			return c, nil
		}
		l.refused("connections", cmp.Or(from, thisMachine))
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
