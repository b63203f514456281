package server

import (
	"net"
	"net/http"

	"gridflow/internal/lock"
)

// connections are those that carry a request, and those that have carried none yet: what
// tells whether a server that stops cuts anybody off. Clients open connections to have
// them at hand, and http.Server.Shutdown waits for such a one as for a request, for five
// seconds. The zero value has none; its methods may be called from any goroutine.
type connections struct {
	mu    lock.Mutex[lock.ServerConnections]
	state map[net.Conn]http.ConnState // New or Active
}

// follow is told of each change of a connection's state.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateNew && state != http.StateActive {
		delete(c.state, conn)
		return
	}
	if c.state == nil {
		c.state = make(map[net.Conn]http.ConnState)
	}
	c.state[conn] = state
}

// closeFresh closes the connections that have carried no request.
func (c *connections) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, state := range c.state {
		if state == http.StateNew {
			conn.Close() // follow hears of it from whoever reads it
		}
	}
}

// busy tells whether any carries a request.
func (c *connections) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.state {
		if state == http.StateActive {
			return true
		}
	}
	return false
}
