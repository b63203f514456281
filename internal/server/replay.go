package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"gridflow/internal/tools"
)

// What a Pipe knows of messages: what a session consists of, how a call is written and how
// it is answered in the place of a server that has ended.

const (
	methodSubscribe    = "resources/subscribe"
	methodUnsubscribe  = "resources/unsubscribe"
	methodAcknowledged = "notifications/subscriptions/acknowledged"
)

// codeMoved is the code of a JSON-RPC error that says SERVER_MOVED.
const codeMoved = -32001

type toolError = tools.Error

// ErrMoved answers a call whose server has ended: nobody knows what has become of it.
func ErrMoved() *tools.Error {
	return &tools.Error{
		Code:    "SERVER_MOVED",
		Message: "the gridflow process that ran this call has ended without an answer, and another one has taken over; whether the call has changed anything is not known",
		Hint:    "See with list_forks or fork_history whether it has; if not, call again",
	}
}

// answered notes that a call was answered, and what that makes of the session. It tells
// whether the answer is for the client. That of a stream is not where the stream ends because
// the server stops: it goes on at the next one.
func (p *Pipe) answered(l *link, id jsonrpc.ID, answer []byte) bool {
	cancelled := p.conn.isCancelled(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.flight[id]
	if r == nil || r.req.Method == methodListen && l.held && !p.ended && !cancelled && succeeded(answer) {
		return false
	}
	delete(p.flight, id)
	params := r.req.Params
	switch r.req.Method {
	case methodInitialize:
		if negotiatedVersion(answer) != "" {
			p.session.initialize = params
		}
	case methodSubscribe:
		if uri := watchedURI(params); uri != "" && succeeded(answer) {
			p.session.subscriptions[uri] = params
		}
	case methodUnsubscribe:
		if succeeded(answer) {
			delete(p.session.subscriptions, watchedURI(params))
		}
	}
	return true
}

// firstAcknowledgement tells whether the client has not yet been told that a stream began:
// each server says so of each stream.
func (p *Pipe) firstAcknowledgement(line []byte) bool {
	var m struct {
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal(line, &m) != nil {
		return true
	}
	id, err := decodeID(m.Params.Meta["io.modelcontextprotocol/subscriptionId"])
	if err != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.flight[id]
	if r == nil {
		return true
	}
	first := !r.acked
	r.acked = true
	return first
}

// replay tells a server what the one before it knew of the session.
func (p *Pipe) replay(l *link) error {
	p.mu.Lock()
	initialize, initialized := p.session.initialize, p.session.initialized
	var uris []string
	subscriptions := make(map[string]json.RawMessage)
	for uri, params := range p.session.subscriptions {
		uris = append(uris, uri)
		subscriptions[uri] = params
	}
	p.mu.Unlock()
	slices.Sort(uris)
	n := 0
	// Nothing else is in flight here yet, so that the ids are free.
	ask := func(method string, params json.RawMessage) error {
		n++
		id, err := jsonrpc.MakeID(fmt.Sprintf("gridflow-replay-%d", n))
		if err != nil {
			return err
		}
		line, err := messageLine(&jsonrpc.Request{ID: id, Method: method, Params: params})
		if err != nil {
			return err
		}
		if _, err := l.Write(line); err != nil {
			return err
		}
		for {
			line, err := l.next()
			if err != nil {
				return err
			}
			if m, got, ok := head(line); ok && m == "" && got == id {
				if !succeeded(line) {
					p.Log.Warn("the new server refuses what the last one has accepted", "method", method)
				}
				return nil
			}
			if err := p.deliver(l, line); err != nil {
				return err
			}
		}
	}
	if initialize != nil {
		if err := ask(methodInitialize, initialize); err != nil {
			return err
		}
		if initialized {
			if _, err := l.Write([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n")); err != nil {
				return err
			}
		}
	}
	for _, uri := range uris {
		if err := ask(methodSubscribe, subscriptions[uri]); err != nil {
			return err
		}
	}
	return nil
}

// head gives the method of a message, or, where it is an answer, its id.
func head(line []byte) (method string, id jsonrpc.ID, ok bool) {
	if !json.Valid(line) {
		return "", jsonrpc.ID{}, false
	}
	var rawMethod, rawID []byte
	plain := members(line, func(key, value []byte) bool {
		switch string(key) {
		case "method":
			rawMethod = value
		case "id":
			rawID = value
		}
		return true
	})
	if !plain {
		return "", jsonrpc.ID{}, false
	}
	if rawMethod != nil {
		return method, id, json.Unmarshal(rawMethod, &method) == nil && method != ""
	}
	id, err := decodeID(rawID)
	return "", id, err == nil
}

// succeeded tells whether an answer, which is valid JSON, has a result.
func succeeded(answer []byte) bool {
	found := false
	return members(answer, func(key, _ []byte) bool {
		found = found || string(key) == "result"
		return true
	}) && found
}

func watchedURI(params json.RawMessage) string {
	var p struct {
		URI string `json:"uri"`
	}
	if json.Unmarshal(params, &p) != nil {
		return ""
	}
	return p.URI
}

// calledTool gives the tool that a tools/call names.
func calledTool(req *jsonrpc.Request) string {
	var p struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(req.Params, &p) != nil {
		return ""
	}
	return p.Name
}

// messageLine writes a message. The parameters of a request stay the bytes that the client
// has sent; written anew they could be longer than a line may be.
func messageLine(msg jsonrpc.Message) ([]byte, error) {
	req, ok := msg.(*jsonrpc.Request)
	if !ok {
		data, err := jsonrpc.EncodeMessage(msg)
		return append(data, '\n'), err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	value := func(name string, v any) error {
		b.WriteString(`,"` + name + `":`)
		err := e.Encode(v)
		b.Truncate(b.Len() - 1) // the line that Encode ends
		return err
	}
	b.WriteString(`{"jsonrpc":"2.0"`)
	if req.IsCall() {
		if err := value("id", req.ID.Raw()); err != nil {
			return nil, err
		}
	}
	if err := value("method", req.Method); err != nil {
		return nil, err
	}
	if len(req.Params) > 0 {
		b.WriteString(`,"params":`)
		b.Write(req.Params)
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// failedAnswer answers a call with an error: that of a tool is a result, as over a server.
func failedAnswer(req *jsonrpc.Request, e *tools.Error) []byte {
	var answer struct {
		Version string         `json:"jsonrpc"`
		ID      any            `json:"id"`
		Result  map[string]any `json:"result,omitempty"`
		Error   any            `json:"error,omitempty"`
	}
	answer.Version, answer.ID = "2.0", req.ID.Raw()
	if req.Method == methodCallTool {
		answer.Result = map[string]any{
			"content": []any{map[string]any{"type": "text", "text": clip(e.Error(), errorTextMax)}},
			"isError": true,
		}
		if e.RetryAfterMillis > 0 {
			answer.Result["_meta"] = map[string]any{"gridflow/retryAfterMs": e.RetryAfterMillis}
		}
		if requestVersion(req) >= statelessSince {
			answer.Result["resultType"] = "complete"
		}
	} else {
		err := protocolError(e)
		if e.Code == "SERVER_MOVED" {
			err.Code = codeMoved
		}
		answer.Error = err
	}
	data, err := json.Marshal(answer)
	if err != nil { // cannot be: it is made of texts and numbers
		return (&problem{code: codeMoved, message: e.Code}).answer(nil)
	}
	return data
}

// requestVersion gives the revision that a request of the era without sessions names.
func requestVersion(req *jsonrpc.Request) string {
	var p struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	var v string
	if json.Unmarshal(req.Params, &p) != nil || json.Unmarshal(p.Meta["io.modelcontextprotocol/protocolVersion"], &v) != nil {
		return ""
	}
	return v
}
