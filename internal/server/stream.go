package server

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"gridflow/internal/lock"
)

// eventStream is a ResponseWriter that keeps an event stream alive: after a time of
// silence it writes a comment, which clients ignore. It begins with the first event, for
// until then the status of the answer is open. It also gives up on a client that does
// not take what is written.
type eventStream struct {
	http.ResponseWriter
	conn *http.ResponseController

	patience   time.Duration // how long the client may take to accept a piece
	unanswered []byte        // marks an event that is not sent, see Server.unanswered
	unread     *unread       // counts what is being written; nil: nobody asks
	machine    string        // that it is written to

	mu      lock.Mutex[lock.ServerStream] // writes come from the handler's goroutines and from the timer
	timer   alarm
	stopped bool
}

func newEventStream(w http.ResponseWriter, unanswered string) *eventStream {
	return &eventStream{ResponseWriter: w, conn: http.NewResponseController(w), patience: writeTimeout, unanswered: []byte(unanswered)}
}

// cancelledEarly is in the SDK's own answer to a call that was cancelled before it came to
// the middleware. Our errors have codes, and in a text the quotes would be escaped.
var cancelledEarly = []byte(`"error":{"code":0,"message":"context canceled"}`)

// Unwrap lets http.ResponseController find the connection's own methods.
func (s *eventStream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Write writes whole events; the SDK gives each in one piece.
func (s *eventStream) Write(p []byte) (int, error) {
	if bytes.Contains(p, s.unanswered) || bytes.Contains(p, cancelledEarly) {
		return len(p), nil
	}
	defer s.unread.writing(s.machine, len(p))()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allow(s.patience)
	n, err := s.ResponseWriter.Write(p)
	switch {
	case s.stopped || err != nil:
	case s.timer.set():
		s.timer.again(streamKeepalive)
	case strings.HasPrefix(s.Header().Get("Content-Type"), "text/event-stream"):
		s.timer = alarmAfter(streamKeepalive, s.keepalive)
	}
	return n, err
}

// FlushError sends what has been written; http.ResponseController looks for it.
func (s *eventStream) FlushError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allow(s.patience)
	return s.conn.Flush()
}

// allow sets how long the next write may take. Where there is no deadline to set (in
// tests, or behind another server) there is none.
func (s *eventStream) allow(d time.Duration) { _ = s.conn.SetWriteDeadline(time.Now().Add(d)) }

func (s *eventStream) keepalive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.allow(s.patience)
	if _, err := s.ResponseWriter.Write([]byte(": keepalive\n\n")); err != nil {
		return // the handler learns it too
	}
	if s.conn.Flush() == nil {
		s.timer.again(streamKeepalive)
	}
}

// stop is called before the handler returns: the writer must not be used after that.
func (s *eventStream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.allow(writeTimeout) // for what is still buffered; the next answer sets its own
	s.timer.stop()
}
