package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// checkBody tells what is wrong with the body of a POST, and the id to answer to, before
// the SDK sees it.
func (s *Server) checkBody(body []byte, modern, hasSession bool) (id json.RawMessage, p *problem) {
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, &problem{code: jsonrpc.CodeParseError, message: "the body is not valid JSON"}
	}
	if (modern || hasSession) && plainCall(body) {
		return nil, nil
	}
	if body[0] == '[' && !modern {
		items, p := splitBatch(body)
		calls := make(map[jsonrpc.ID]bool)
		for _, item := range items {
			raw, p := s.checkMessage(item, hasSession)
			if p != nil {
				return nil, p // one for all: the SDK takes a batch as a whole
			}
			id, err := decodeID(raw)
			if err != nil || !id.IsValid() {
				continue // a notification
			}
			if calls[id] { // the SDK would leave the second without an answer
				return nil, &problem{code: jsonrpc.CodeInvalidRequest, message: fmt.Sprintf("the batch has the id %s twice; nothing of it was done", clip(string(raw), 100))}
			}
			calls[id] = true
		}
		return nil, p
	}
	return s.checkMessage(body, modern || hasSession)
}

// checkMessage tells what is wrong with one message.
func (s *Server) checkMessage(data []byte, begun bool) (id json.RawMessage, p *problem) {
	msg, id, p := decode(data)
	if p != nil {
		return id, p
	}
	req, ok := msg.(*jsonrpc.Request)
	if !ok {
		return nil, nil
	}
	if !req.IsCall() {
		if len(req.Params) > keptMax { // nobody waits until it is dealt with, so nobody knows how long it is kept
			return nil, &problem{code: jsonrpc.CodeInvalidParams, message: fmt.Sprintf("the params of a notification are longer than %d bytes", keptMax)}
		}
		return nil, nil
	}
	if p = s.checkCall(req); p == nil && !begun && req.Method != methodInitialize {
		p = &problem{code: jsonrpc.CodeInvalidRequest, message: "there is no session yet: send initialize first, then its Mcp-Session-Id with every request; or a revision without sessions in Mcp-Protocol-Version"}
	}
	return id, p
}

// answerProblem answers a POST that is not handed on, with the status that its era asks
// for: the older one knows errors as answers like others.
func answerProblem(w http.ResponseWriter, id json.RawMessage, p *problem, modern bool) {
	status := http.StatusOK
	switch {
	case modern && p.code == jsonrpc.CodeMethodNotFound:
		status = http.StatusNotFound
	case modern || id == nil || p.code == jsonrpc.CodeInvalidRequest:
		status = http.StatusBadRequest
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(p.answer(id), '\n'))
}
