package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A problem is why a message cannot be handed on.
type problem struct {
	code    int64
	message string
	noID    bool           // the answer must not carry the id of the message
	data    map[string]any // for programs; nil: nothing
}

// answer gives the error answer; the SDK cannot encode one whose id is null.
func (p *problem) answer(id json.RawMessage) json.RawMessage {
	if id == nil || p.noID {
		id = json.RawMessage("null")
	}
	data, err := json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   jsonrpc.Error   `json:"error"`
	}{"2.0", id, jsonrpc.Error{Code: p.code, Message: p.message, Data: p.encoded()}})
	if err != nil { // cannot be: the id has been read as JSON before
		return json.RawMessage(`{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}`)
	}
	return data
}

func (p *problem) encoded() json.RawMessage {
	if p.data == nil {
		return nil
	}
	data, _ := json.Marshal(p.data) // of texts and numbers: it cannot fail
	return data
}

// decode reads one JSON-RPC message. With a problem it also gives the id to answer to,
// as far as that can be made out. Neither a message nor a problem means that it was an
// answer that answers nothing: that is not answered, lest two peers do so for ever.
func decode(data []byte) (jsonrpc.Message, json.RawMessage, *problem) {
	// A map, because the names of members are exact; a struct would take "ID" for "id".
	var m map[string]json.RawMessage
	err := json.Unmarshal(data, &m)
	rawID := m["id"]
	id, idErr := decodeID(rawID)
	invalid := func(format string, args ...any) (jsonrpc.Message, json.RawMessage, *problem) {
		if idErr != nil {
			rawID = nil
		}
		return nil, rawID, &problem{code: jsonrpc.CodeInvalidRequest, message: fmt.Sprintf(format, args...)}
	}
	var version, method string
	rawMethod, isRequest := m["method"]
	_, hasResult := m["result"]
	_, hasError := m["error"]
	isAnswer := !isRequest && (hasResult || hasError)
	switch {
	case err != nil || isRequest && (json.Unmarshal(rawMethod, &method) != nil || bytes.Equal(rawMethod, []byte("null"))):
		return invalid("the line is not a JSON-RPC message: an object with jsonrpc, method and, for requests, id is wanted")
	case isAnswer:
		return decodeAnswer(id, m), rawID, nil
	case json.Unmarshal(m["jsonrpc"], &version) != nil || version != "2.0":
		return invalid("the message is not JSON-RPC 2.0: the member jsonrpc must be \"2.0\"")
	case idErr != nil:
		return invalid("%v", idErr)
	case !isRequest:
		return invalid("the message has no method")
	}
	params := m["params"]
	if len(params) > 0 && params[0] != '{' && params[0] != 'n' {
		return invalid("the member params must be an object")
	}
	return &jsonrpc.Request{ID: id, Method: method, Params: params}, rawID, nil
}

// decodeAnswer gives the answer that a message is, nil where it is of no use.
func decodeAnswer(id jsonrpc.ID, m map[string]json.RawMessage) jsonrpc.Message {
	resp := &jsonrpc.Response{ID: id, Result: m["result"]}
	if raw, ok := m["error"]; ok {
		failure := new(jsonrpc.Error)
		if json.Unmarshal(raw, failure) != nil {
			return nil
		}
		resp.Error = failure
	}
	if !id.IsValid() {
		return nil
	}
	return resp
}

// decodeID reads the id of a message; without one it gives an invalid ID, which marks a
// notification. Numbers are held to what a float64 keeps exactly, because that is how
// the SDK carries them.
func decodeID(raw json.RawMessage) (jsonrpc.ID, error) {
	if len(raw) == 0 {
		return jsonrpc.ID{}, nil
	}
	var v any
	_ = json.Unmarshal(raw, &v) // it is JSON by now; a number may be too large even for a float64, and is none that is wanted
	const exact = 1 << 53
	switch v := v.(type) {
	case string:
		if half := halfPair(raw); half != nil { // the answer could not carry it
			return jsonrpc.ID{}, fmt.Errorf("the id has %s, which is half of a character", half)
		}
		return jsonrpc.MakeID(v)
	case float64:
		if v == float64(int64(v)) && v > -exact && v < exact {
			return jsonrpc.MakeID(v)
		}
	}
	return jsonrpc.ID{}, errors.New("the id must be a string or a whole number below 2^53")
}

// batchMax bounds the messages in one JSON array. Each costs an answer that is longer than
// the shortest message, and all answers are held until the last is there.
const batchMax = 100

// splitBatch gives the messages of a JSON array.
func splitBatch(data []byte) ([]json.RawMessage, *problem) {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return nil, &problem{code: jsonrpc.CodeParseError, message: "the batch is not valid JSON"}
	}
	var items []json.RawMessage
	for d.More() {
		if len(items) == batchMax {
			return nil, &problem{code: jsonrpc.CodeInvalidRequest, message: fmt.Sprintf("the batch has more than %d messages; none was looked at, send fewer at a time", batchMax)}
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, &problem{code: jsonrpc.CodeParseError, message: "the batch is not valid JSON"}
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, &problem{code: jsonrpc.CodeInvalidRequest, message: "the batch is empty"}
	}
	return items, nil
}

// Bounds of what errors repeat of a message, in bytes.
const (
	methodMax = 100  // of the name of a method
	nameMax   = 500  // of a tool or prompt
	uriMax    = 4096 // of a resource
)

// depthMax bounds how deep parameters are nested. No tool takes more than a few levels, and
// decoders give up somewhere, each in its own words.
const depthMax = 100

// depth tells how deep valid JSON is nested.
func depth(data []byte) (deepest int) {
	level, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// halfPair gives the first escape in valid JSON that stands for half of a surrogate pair where the other half is
// not beside it, nil: there is none. It is no character, and the decoder would put another in its place: what cuts
// texts by UTF-16 units leaves such halves, and a cell would get what nobody has sent.
func halfPair(data []byte) []byte {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+1 >= len(data) {
			return nil
		}
		data = data[i:]
		unit := escapedUnit(data)
		switch {
		case unit < 0:
			data = data[2:]
		case !utf16.IsSurrogate(unit):
			data = data[6:]
		case utf16.DecodeRune(unit, escapedUnit(data[6:])) == utf8.RuneError:
			return data[:6]
		default:
			data = data[12:]
		}
	}
}

// escapedUnit gives the unit that data begins with as an escape of four digits, -1 where it does not.
func escapedUnit(data []byte) rune {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}

// paramsOf makes what the parameters of each method are read into.
var paramsOf = map[string]func() mcp.Params{
	methodInitialize:           func() mcp.Params { return new(mcp.InitializeParams) },
	"server/discover":          func() mcp.Params { return new(mcp.DiscoverParams) },
	methodPing:                 func() mcp.Params { return new(mcp.PingParams) },
	methodListen:               func() mcp.Params { return new(mcp.SubscriptionsListenParams) },
	methodCallTool:             func() mcp.Params { return new(mcp.CallToolParamsRaw) },
	methodReadResource:         func() mcp.Params { return new(mcp.ReadResourceParams) },
	"tools/list":               func() mcp.Params { return new(mcp.ListToolsParams) },
	"prompts/list":             func() mcp.Params { return new(mcp.ListPromptsParams) },
	"prompts/get":              func() mcp.Params { return new(mcp.GetPromptParams) },
	"resources/list":           func() mcp.Params { return new(mcp.ListResourcesParams) },
	"resources/templates/list": func() mcp.Params { return new(mcp.ListResourceTemplatesParams) },
	"resources/subscribe":      func() mcp.Params { return new(mcp.SubscribeParams) },
	"resources/unsubscribe":    func() mcp.Params { return new(mcp.UnsubscribeParams) },
}

// notOffered are methods that the SDK answers although their capability is not offered.
var notOffered = map[string]bool{"logging/setLevel": true, "completion/complete": true}

// checkCall tells what is wrong with a request before the SDK sees it. The SDK's own words
// for that repeat the whole parameters and speak of types of Go.
func (s *Server) checkCall(req *jsonrpc.Request) *problem {
	if !req.IsCall() {
		return nil
	}
	if len(req.Method) > methodMax {
		return &problem{code: jsonrpc.CodeMethodNotFound, message: fmt.Sprintf("there is no method %q", clip(req.Method, methodMax))}
	}
	if notOffered[req.Method] && s.conf.Extend == nil {
		return &problem{code: jsonrpc.CodeMethodNotFound, message: req.Method + " is not offered by this server"}
	}
	wrong := func(format string, args ...any) *problem {
		return &problem{code: jsonrpc.CodeInvalidParams, message: fmt.Sprintf(format, args...)}
	}
	if half := halfPair(req.Params); half != nil {
		return wrong("params has %s, which is half of a character; nothing was done, send the whole character or leave it out", half)
	}
	make_, known := paramsOf[req.Method]
	switch {
	case !known:
		return nil
	case len(req.Params) == 0 || string(req.Params) == "null":
		if req.Method == methodInitialize {
			return wrong("params is missing; it holds protocolVersion, capabilities and clientInfo")
		}
		return nil // the SDK knows which methods need some
	}
	if depth(req.Params) > depthMax {
		return wrong("params is nested more than %d levels deep", depthMax)
	}
	params := make_()
	var mismatch *json.UnmarshalTypeError
	switch err := json.Unmarshal(req.Params, params); {
	case errors.As(err, &mismatch):
		field := strings.TrimSuffix("params."+clip(mismatch.Field, 200), ".")
		return wrong("%s is of the wrong type: %s is wanted, not %s", field, jsonKind(mismatch.Type), clip(mismatch.Value, 50))
	case err != nil:
		return wrong("the params of %s cannot be understood", req.Method)
	}
	switch token := params.GetMeta()["progressToken"].(type) {
	case nil, string, float64:
	default:
		return wrong("params._meta.progressToken is of the wrong type: a string or a number is wanted, not %s", jsonKind(reflect.TypeOf(token)))
	}
	if v, ok := params.GetMeta()["io.modelcontextprotocol/protocolVersion"].(string); ok && len(v) > methodMax {
		return wrong("the protocol version %q is none", clip(v, methodMax))
	}
	field, text, most := "name", "", nameMax
	switch p := params.(type) {
	case *mcp.CallToolParamsRaw:
		text = p.Name
	case *mcp.GetPromptParams:
		text = p.Name
	case *mcp.ReadResourceParams:
		field, text, most = "uri", p.URI, uriMax
	case *mcp.SubscribeParams:
		field, text, most = "uri", p.URI, uriMax
	case *mcp.UnsubscribeParams:
		field, text, most = "uri", p.URI, uriMax
	}
	if len(text) > most {
		return wrong("params.%s is longer than %d bytes: %q", field, most, clip(text, 100))
	}
	return nil
}

// jsonKind names what a value of a type of Go is in JSON.
func jsonKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map, reflect.Interface:
		return "an object"
	}
	return "a number"
}
