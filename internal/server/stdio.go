package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/lock"
)

const (
	// lineMax bounds one message on stdin, in bytes.
	lineMax = 16 << 20
	// inFlightMax bounds the calls of one stdio connection that are not answered yet.
	// It is far above what a client needs, so that the line that cancels a call always
	// gets through.
	inFlightMax = 4096
	// inFlightBytesMax bounds what the arguments of those calls take, in bytes. A call
	// that is alone may be as long as a line.
	inFlightBytesMax = 64 << 20
	// connectionRetry is when to come back to a connection that has as much in flight as it
	// may: as soon as an answer has come, which is what it waits for.
	connectionRetry = 100 * time.Millisecond
)

// ErrCut says that calls had to be ended before they were done, or did not end at all.
var ErrCut = errors.New("calls in flight were cut off when the drain timeout was over")

// ServeStdio serves one client over in and out, one JSON message per line, until in
// ends or ctx is done. Then it takes no new calls, lets those in flight finish within
// the budget, writes their answers and returns; ErrCut tells that some could not.
// Nothing but the server may write to out.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, budget time.Duration) error {
	return s.serveLines(ctx, newLineConnWith(in, out, s.checkCall, lineOptions{decoding: s.decoding, unread: s.gate.unread}), budget)
}

func (s *Server) serveLines(ctx context.Context, conn *lineConn, budget time.Duration) error {
	// The session must outlive ctx: its end is what cancels the calls in flight.
	session, err := s.mcp.Connect(context.WithoutCancel(ctx), conn, nil)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	telling, stopTelling := context.WithCancel(ctx)
	defer stopTelling()
	go s.tellChanges(telling)

	select {
	case err := <-ended: // the client no longer reads
		s.gate.close()
		s.gate.startCut()
		return err
	case <-conn.eof:
		s.log.Debug("stdin ended")
		s.gate.endStreams() // but what has been read is served: it may not have begun
	case <-ctx.Done():
		s.gate.close()
		s.log.Info("stopping", "budget", budget)
	}
	conn.drain()
	clean, finished := s.gate.drain(budget, conn.idle)
	s.gate.close()
	conn.Close() // Read ends, and with it the session
	if finished {
		<-ended
	}
	if !clean {
		return ErrCut
	}
	return nil
}

// A lineConn carries JSON-RPC messages over a pair of streams, one message per line. It
// takes the place of the SDK's own because that one ends the session at the first line
// it does not understand, and at the end of the input while answers are still due.
//
// The SDK calls Read from one goroutine and Write from any.
type lineConn struct {
	lineOptions
	lines  chan line
	eof    chan struct{} // closed once the input has ended
	closed chan struct{} // closed by Close
	close  sync.Once
	queue  []*jsonrpc.Request // the rest of a batch; only Read uses it

	check func(*jsonrpc.Request) *problem // what is wrong with a request beyond its form; nil: nothing

	writing lock.Mutex[lock.ServerWriting] // so that messages do not mix
	out     io.Writer

	mu       lock.Mutex[lock.ServerLines]
	pending  map[jsonrpc.ID]*pendingCall
	bytes    int // of the parameters of pending calls
	due      int // lines not looked at yet, and calls whose answers are not written
	draining bool
	idle     chan struct{} // closed once draining and nothing is due
	batches  bool          // the negotiated revision knows batches
}

// lineOptions are in what a connection differs from that of a client on standard streams.
type lineOptions struct {
	session string // the id of the session; "" where there is but one
	// relayed says that a [Pipe] is at the other end: it counts on one answer for each call,
	// also a cancelled one, and what it writes may be longer than what it was sent.
	relayed bool
	// relays says that this is the side of a Pipe that its client is on: Read ends with the
	// input, because what is in flight is in flight elsewhere.
	relays bool
	// decoding is whose turn it is to have a call taken apart; nil: nobody has to wait.
	decoding *decoding
	// unread counts the answers that the other end has not read; nil: nobody asks.
	unread *unread
}

func (o lineOptions) lineMax() int {
	if o.relayed {
		return 2 * lineMax
	}
	return lineMax
}

// A pendingCall is a request that has not been answered.
type pendingCall struct {
	bytes      int
	initialize bool
	cancelled  bool        // the client has said that it does not want the answer
	turn       *decodeTurn // that it is taken apart in; nil: none
	batch      *batch      // nil unless the request came in one
	place      int         // of the answer in the batch
}

// A batch collects the answers to requests that came in one JSON array, in the order of
// the requests.
type batch struct {
	due     int
	answers []json.RawMessage
}

// line is what the goroutine that reads the input hands over.
type line struct {
	data    []byte
	tooLong bool
}

func newLineConn(in io.Reader, out io.Writer, check func(*jsonrpc.Request) *problem) *lineConn {
	return newLineConnWith(in, out, check, lineOptions{})
}

func newLineConnWith(in io.Reader, out io.Writer, check func(*jsonrpc.Request) *problem, o lineOptions) *lineConn {
	c := &lineConn{
		lineOptions: o,
		lines:       make(chan line),
		eof:         make(chan struct{}),
		closed:      make(chan struct{}),
		check:       check,
		out:         out,
		pending:     make(map[jsonrpc.ID]*pendingCall),
		idle:        make(chan struct{}),
		batches:     true,
	}
	go c.readLines(in)
	return c
}

// Connect makes the connection its own mcp.Transport.
func (c *lineConn) Connect(context.Context) (mcp.Connection, error) { return c, nil }

func (c *lineConn) SessionID() string { return c.session }

// Close ends Read. A goroutine that is blocked in reading the input stays until the
// input moves: a read of a terminal or a pipe cannot be taken back.
func (c *lineConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

// readLines cuts the input into lines of bounded length. Of a longer line it keeps
// nothing and reads on after its end.
func (c *lineConn) readLines(in io.Reader) {
	defer close(c.eof)
	r := bufio.NewReaderSize(in, 64<<10)
	var data []byte
	tooLong := false
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case tooLong:
		case len(data)+len(part) > c.lineMax():
			data, tooLong = nil, true
		default:
			data = append(data, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff"))); len(trimmed) > 0 || tooLong {
			c.addDue(1) // before eof can be seen
			select {
			case c.lines <- line{trimmed, tooLong}:
			case <-c.closed:
				return
			}
		}
		if err != nil {
			return
		}
		data, tooLong = nil, false // the message keeps parts of data
	}
}

// Read gives the next message that the SDK can deal with; everything else it answers
// itself. It blocks after the end of the input until Close, because the SDK cancels all
// calls in flight once it returns an error.
func (c *lineConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	var ended chan struct{} // each line was handed over before eof is closed
	if c.relays {
		ended = c.eof
	}
	for {
		if len(c.queue) > 0 {
			next := c.queue[0]
			c.queue = c.queue[1:]
			if handed, err := c.hand(ctx, next); handed || err != nil {
				return next, err
			}
			continue
		}
		select {
		case <-c.closed:
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ended:
			return nil, io.EOF
		case l := <-c.lines:
			msg, err := c.accept(l)
			c.addDue(-1)
			if err != nil {
				return nil, err
			}
			if msg == nil {
				continue
			}
			if handed, err := c.hand(ctx, msg); handed || err != nil {
				return msg, err
			}
		}
	}
}

// accept turns a line into a message, or answers it and gives nil. The error is one of
// writing.
func (c *lineConn) accept(l line) (jsonrpc.Message, error) {
	switch {
	case l.tooLong:
		return nil, c.refuse(jsonrpc.CodeInvalidRequest, fmt.Sprintf("the message is longer than %d bytes; it was skipped", c.lineMax()))
	case !utf8.Valid(l.data) || !json.Valid(l.data): // the decoder would put other characters in the place of bytes that are none
		return nil, c.refuse(jsonrpc.CodeParseError, "the line is not valid JSON; it was skipped")
	case l.data[0] == '[':
		return nil, c.acceptBatch(l.data)
	}
	msg, id, problem := c.decode(l.data)
	if problem == nil {
		problem = c.register(msg, nil)
	}
	if problem != nil {
		return nil, c.writeLine(problem.answer(id))
	}
	return msg, nil
}

// decode reads a message and lets it be checked.
func (c *lineConn) decode(data []byte) (jsonrpc.Message, json.RawMessage, *problem) {
	msg, id, problem := decode(data)
	if req, ok := msg.(*jsonrpc.Request); ok && problem == nil && c.check != nil {
		problem = c.check(req)
	}
	return msg, id, problem
}

// acceptBatch queues the requests of a JSON array, which revisions of the protocol
// before 2025-06-18 know. Answers inside a batch are dropped: the server asks nothing.
func (c *lineConn) acceptBatch(data []byte) error {
	c.mu.Lock()
	allowed := c.batches
	c.mu.Unlock()
	if !allowed {
		return c.refuse(jsonrpc.CodeInvalidRequest, "the negotiated protocol revision has no batches; send one message per line")
	}
	items, wrong := splitBatch(data)
	if wrong != nil {
		return c.refuse(wrong.code, wrong.message)
	}
	b := new(batch)
	for _, item := range items {
		msg, id, problem := c.decode(item)
		req, isRequest := msg.(*jsonrpc.Request)
		if problem == nil && isRequest {
			problem = c.register(req, b)
		}
		switch {
		case problem != nil:
			b.answers = append(b.answers, problem.answer(id))
		case isRequest:
			c.queue = append(c.queue, req)
		}
	}
	c.mu.Lock()
	complete := b.due == 0 && len(b.answers) > 0
	c.mu.Unlock()
	if complete {
		return c.writeBatch(b)
	}
	return nil
}

// register notes a request as pending. It refuses what must not reach the SDK: an id
// that is in use, since the SDK would leave it without an answer.
func (c *lineConn) register(msg jsonrpc.Message, b *batch) *problem {
	req, ok := msg.(*jsonrpc.Request)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !req.IsCall() {
		if req.Method == "notifications/cancelled" {
			c.cancelled(req.Params)
		}
		return nil
	}
	if c.pending[req.ID] != nil {
		// With the id, the client would take the refusal for the answer to the other.
		return &problem{code: jsonrpc.CodeInvalidRequest, message: fmt.Sprintf("the id %v belongs to a request that has not been answered yet", req.ID.Raw()), noID: true}
	}
	if len(c.pending) >= inFlightMax || len(c.pending) > 0 && c.bytes+len(req.Params) > inFlightBytesMax {
		return &problem{
			code:    jsonrpc.CodeInternalError,
			message: fmt.Sprintf("OVERLOADED: %d requests with %d bytes of parameters are in flight on this connection; wait for answers before sending more", len(c.pending), c.bytes),
			data: map[string]any{
				"code": flow.CodeOverloaded, "reason": "connection", "depth": len(c.pending), "capacity": inFlightMax,
				"bytes": c.bytes, "bytes_capacity": inFlightBytesMax,
				// By both names, as the gate's refusals of what is no call of a tool.
				"retry_after_ms": connectionRetry.Milliseconds(), "retryAfterMs": connectionRetry.Milliseconds(),
			},
		}
	}
	call := &pendingCall{bytes: len(req.Params), initialize: req.Method == "initialize", batch: b}
	c.pending[req.ID] = call
	c.bytes += call.bytes
	c.due++
	if b != nil {
		call.place = len(b.answers)
		b.answers = append(b.answers, nil)
		b.due++
	}
	return nil
}

// cancelled marks the call that a notification names; its answer will not be written,
// as the protocol asks. c.mu is held.
func (c *lineConn) cancelled(params json.RawMessage) {
	var p struct {
		RequestID json.RawMessage `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	if id, err := decodeID(p.RequestID); err == nil {
		if call := c.pending[id]; call != nil && !call.initialize && call.batch == nil {
			call.cancelled = true
		}
	}
}

// isCancelled tells whether the client has said that it does not want the answer to a call.
func (c *lineConn) isCancelled(id jsonrpc.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.pending[id]
	return call != nil && call.cancelled
}

// Write sends one message. An answer to a cancelled call is dropped, one that belongs to
// a batch waits for the others.
func (c *lineConn) Write(_ context.Context, msg jsonrpc.Message) error {
	resp, ok := msg.(*jsonrpc.Response)
	if !ok {
		return c.writeMessage(msg)
	}
	if resp.Error != nil {
		// Errors that the SDK makes itself have no code, which JSON-RPC does not allow; they
		// are about requests that come at the wrong time.
		resp.Error = boundError(resp.Error)
	}
	data, err := jsonrpc.EncodeMessage(resp)
	if err != nil {
		c.settle(resp.ID)
		return err
	}
	return c.answer(resp.ID, data)
}

// answer sends the answer to a call, encoded.
func (c *lineConn) answer(id jsonrpc.ID, data []byte) error {
	call := c.settle(id)
	if call == nil {
		return c.writeLine(data)
	}
	// But only once it is written is nothing due any more: the process may end then.
	defer c.addDue(-1)
	switch {
	case call.cancelled && !c.relayed:
		return nil
	case call.batch != nil:
		return c.answerInBatch(call, data)
	case call.initialize:
		c.negotiated(data)
	}
	return c.writeLine(data)
}

// settle takes a call from those that are pending; nil: there is none such. The client may
// use the id again as soon as it sees the answer.
func (c *lineConn) settle(id jsonrpc.ID) *pendingCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.pending[id]
	delete(c.pending, id)
	if call != nil {
		c.bytes -= call.bytes
		call.turn.end()
	}
	return call
}

// negotiated learns from the answer to initialize whether batches may come.
func (c *lineConn) negotiated(answer []byte) {
	if v := negotiatedVersion(answer); v != "" {
		c.mu.Lock()
		c.batches = v < "2025-06-18"
		c.mu.Unlock()
	}
}

// negotiatedVersion gives the revision that the answer to initialize names, "" where it is
// an error.
func negotiatedVersion(answer []byte) string {
	var m struct {
		Result struct {
			ProtocolVersion string `json:"protocolVersion"`
		} `json:"result"`
	}
	if json.Unmarshal(answer, &m) != nil {
		return ""
	}
	return m.Result.ProtocolVersion
}

func (c *lineConn) answerInBatch(call *pendingCall, data []byte) error {
	b := call.batch
	c.mu.Lock()
	b.answers[call.place] = data
	b.due--
	complete := b.due == 0
	c.mu.Unlock()
	if complete {
		return c.writeBatch(b)
	}
	return nil
}

func (c *lineConn) writeBatch(b *batch) error {
	data, err := json.Marshal(b.answers)
	if err != nil {
		return err
	}
	return c.writeLine(data)
}

// writeMessage writes one message.
func (c *lineConn) writeMessage(msg jsonrpc.Message) error {
	data, err := jsonrpc.EncodeMessage(msg)
	if err != nil {
		return err
	}
	return c.writeLine(data)
}

// refuse answers a line whose id cannot be made out.
func (c *lineConn) refuse(code int64, message string) error {
	return c.writeLine((&problem{code: code, message: message}).answer(nil))
}

func (c *lineConn) writeLine(data []byte) error {
	defer c.unread.writing(thisMachine, len(data))()
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.out.Write(append(data, '\n'))
	return err
}

// drain makes idle close as soon as every call is answered.
func (c *lineConn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.checkIdle()
}

func (c *lineConn) addDue(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due += n
	c.checkIdle()
}

// checkIdle is called with c.mu held.
func (c *lineConn) checkIdle() {
	if !c.draining || c.due > 0 {
		return
	}
	select {
	case <-c.idle:
	default:
		close(c.idle)
	}
}
