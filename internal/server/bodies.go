package server

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gridflow/internal/lock"
)

const (
	// bodyMax bounds the body of a request, in bytes; larger ones get status 413.
	bodyMax = 4 << 20
	// bodiesMax bounds what all requests that are being read or answered take, unless
	// HTTPOptions says otherwise: a call is let in by what it is, and until that is known its
	// body takes memory. One machine may have a quarter of it; this one all.
	bodiesMax = 256 << 20
	// requestCost is what a request counts for besides its body: about what one that waits has in
	// buffers, stacks and decoded messages (BenchmarkWaiting).
	requestCost = 40 << 10
	// A client has bodyTime to send a body, and for a large one as much longer as it takes at
	// bodyRate bytes in a second.
	bodyTime = 10 * time.Second
	bodyRate = 256 << 10
	// bodyFirst bounds the buffer that a body begins with, in bytes.
	bodyFirst = 16 << 10
	// bodyRetry is when to come back if there is no room for a body.
	bodyRetry = time.Second
)

// bodies counts the bytes of the bodies that are held, by machine. Its methods may be
// called from any goroutine.
type bodies struct {
	mu        lock.Mutex[lock.ServerBodies]
	held      int64
	ofMachine map[string]int64
}

// take takes n bytes for a request of a machine, out of most. With a status it has not: the
// machine, or all together, hold as much as they may.
func (b *bodies) take(machine string, n, most int64) (status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch share := max(most/ofOneMachine, min(bodyMax+requestCost, most)); {
	case machine != thisMachine && b.ofMachine[machine]+n > share:
		return http.StatusTooManyRequests
	case b.held+n > most:
		return http.StatusServiceUnavailable
	}
	if b.ofMachine == nil {
		b.ofMachine = make(map[string]int64)
	}
	b.held += n
	b.ofMachine[machine] += n
	return 0
}

func (b *bodies) give(machine string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.ofMachine[machine] -= n; b.ofMachine[machine] == 0 {
		delete(b.ofMachine, machine)
	}
}

// readBody takes in the whole body, within bounds of size and time, as far as there is room
// for it; release gives the room back, once the request is answered. Otherwise the request
// has been answered.
func (e *endpoint) readBody(w http.ResponseWriter, r *http.Request) (body []byte, release func(), ok bool) {
	tooLarge := fmt.Sprintf("the body is larger than %d bytes", bodyMax)
	// What is not read would be read by the HTTP server, to use the connection again.
	refuse := func(status int, text string) ([]byte, func(), bool) {
		w.Header().Set("Connection", "close")
		plain(w, status, text)
		return nil, nil, false
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, fmt.Sprintf("bodies are taken as they are, without Content-Encoding: %s", clip(coding, 50)))
	}
	if r.ContentLength > bodyMax {
		e.refused(r, "body")
		return refuse(http.StatusRequestEntityTooLarge, tooLarge)
	}
	size := r.ContentLength
	if size < 0 { // it is not said
		size = bodyMax
	}
	machine, held := e.origin(r), size+requestCost
	switch status := e.bodies.take(machine, held, cmp.Or(e.allowed.MaxBodyBytes, bodiesMax)); status {
	case 0:
	case http.StatusTooManyRequests:
		e.refused(r, "bodies")
		retryAfter(w, bodyRetry)
		return refuse(status, "your machine has as many bytes of requests here as it may; wait for answers before sending more")
	default:
		e.refused(r, "bodies")
		retryAfter(w, bodyRetry)
		return refuse(status, "there are as many bytes of requests as there may be; none of this one was read")
	}
	release = func() { e.bodies.give(machine, held) }

	conn := http.NewResponseController(w)
	// Where there is no deadline to set (in tests, or behind another server), there is none.
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime + time.Duration(size)*time.Second/bodyRate))
	// What is said to be coming is not trusted to come; but as a rule it does, in one piece.
	buf := bytes.NewBuffer(make([]byte, 0, min(size, bodyFirst)+bytes.MinRead))
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, bodyMax))
	body = buf.Bytes()
	if err != nil { // the deadline stays: what is not read the HTTP server reads, to use the connection again
		release()
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			e.refused(r, "body")
			return refuse(http.StatusRequestEntityTooLarge, tooLarge)
		}
		return refuse(http.StatusBadRequest, "the body could not be read")
	}
	_ = conn.SetReadDeadline(time.Time{})
	if rest := size - int64(len(body)); rest > 0 {
		e.bodies.give(machine, rest)
		held -= rest
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, release, true
}
