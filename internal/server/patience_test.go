package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a listener whose connections are in memory, so that they go by the clock of a bubble.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { close(p.closed); return nil }
func (p *piped) Addr() net.Addr { return &net.TCPAddr{} }

// TestTimesOfClients: how long a client may take over each part of a request and of its answer, to the second. A call that takes longer
// than its body might is not cut off for that.
func TestTimesOfClients(t *testing.T) {
	post := func(body string, length int) string {
		return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"+
			"Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: blocks\r\nContent-Length: %d\r\n\r\n%s", length, body)
	}
	blocks := modernCall("blocks")
	for _, c := range []struct {
		name, sends string
		reads       bool
		says        string
		ends        time.Duration
	}{
		{"nothing", "", true, "", headerTimeout},
		{"half a header", "POST /mcp HTTP/1.1\r\nHost: localh", true, "", headerTimeout},
		{"half a body", post(blocks[:20], len(blocks)), true, "400 Bad Request", bodyTime},
		{"half of a body that is refused unread", strings.Replace(post(blocks[:20], len(blocks)), "Content-Type", "Content-Encoding: gzip\r\nContent-Type", 1), true, "415 ", bodyTime},
		{"half of the body of a stranger", strings.Replace(post(blocks[:20], len(blocks)), "localhost", "elsewhere.example", 1), true, "403 ", bodyTime},
		{"half of a body that nobody wants", "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf", true, "404 ", bodyTime},
		{"pieces without an end", "POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", true, "404 ", bodyTime},
		{"nothing after an answer", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", true, "200 OK", idleTimeout},
		{"a header without an end", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 2*headerMax), true, "431 ", 0},
		{"a long call", post(blocks, len(blocks)), true, "TIMEOUT: the call was stopped after 50s", 50*time.Second + idleTimeout},
		{"an answer that is not read", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", false, "", writeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Config{Tools: fixtureTools(), ToolTimeout: 50 * time.Second})
				l := &piped{make(chan net.Conn), make(chan struct{})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.ServeHTTP(ctx, l, HTTPOptions{Path: "/mcp"}, time.Second) }()
				client, theirs := net.Pipe()
				watched := &watchedConn{Conn: theirs, closed: make(chan time.Time, 1)}
				l.conns <- watched
				begun := time.Now()
				go io.WriteString(client, c.sends) // which fails where the server does not want all of it
				if c.reads {
					said, _ := io.ReadAll(client)
					if !strings.Contains(string(said), c.says) {
						t.Errorf("it is told %.300q", said)
					}
				}
				if took := (<-watched.closed).Sub(begun).Truncate(time.Second); took != c.ends {
					t.Errorf("it was given up after %v, want %v", took, c.ends)
				}
				client.Close()
				stop()
				if err := <-ended; err != nil && !errors.Is(err, ErrCut) {
					t.Error(err)
				}
			})
		})
	}
}

// watchedConn says when it was closed.
type watchedConn struct {
	net.Conn
	closed chan time.Time
}

func (w *watchedConn) Close() error {
	select {
	case w.closed <- time.Now():
	default:
	}
	return w.Conn.Close()
}
