package server

import (
	"bytes"
)

// plainCall tells whether a body, which is valid JSON, is a call of a tool as clients send
// it: with the members that such a call has, each once and of the right type. Almost all
// bodies are; what looks at them more closely takes three times as long as everything else
// that stands around a call. Whatever is unusual is left to that.
func plainCall(body []byte) bool {
	var version, method, id, params []byte
	once := func(p *[]byte, value []byte) bool {
		first := *p == nil
		*p = value
		return first
	}
	ok := members(body, func(key, value []byte) bool {
		switch string(key) {
		case "jsonrpc":
			return once(&version, value)
		case "method":
			return once(&method, value)
		case "id":
			return once(&id, value)
		case "params":
			return once(&params, value)
		}
		return false
	})
	if !ok || id == nil || params == nil || string(version) != `"2.0"` || string(method) != `"`+methodCallTool+`"` ||
		!plainID(id) || depth(params) > depthMax || halfPair(params) != nil {
		return false
	}
	var name, arguments, meta []byte
	return members(params, func(key, value []byte) bool {
		switch string(key) {
		case "name":
			return once(&name, value) && plainString(value) && len(value) <= nameMax
		case "arguments":
			return once(&arguments, value) && value[0] == '{'
		case "_meta":
			return once(&meta, value) && members(value, plainMeta)
		}
		return false
	}) && name != nil
}

// plainMeta tells whether a member of _meta is as it should be: of most nobody says how.
func plainMeta(key, value []byte) bool {
	switch string(key) {
	case "progressToken":
		return plainID(value)
	case "io.modelcontextprotocol/protocolVersion":
		return plainString(value) && len(value) <= methodMax
	}
	return true
}

// plainID tells whether a value is a whole number of no more than fifteen digits, or a
// text without escapes.
func plainID(value []byte) bool {
	return plainString(value) || len(value) <= 15 && len(bytes.Trim(value, "0123456789")) == 0
}

func plainString(value []byte) bool {
	return value[0] == '"' && bytes.IndexByte(value, '\\') < 0
}

// members calls fn with the names and values of an object, which must be valid JSON. It
// stops, and gives false, when fn does so, when a name has an escape, and when data is no
// object.
func members(data []byte, fn func(key, value []byte) bool) bool {
	const blank = " \t\r\n"
	if len(data) == 0 || data[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(data[1:], blank)
	for len(rest) > 0 && rest[0] == '"' {
		end := bytes.IndexByte(rest[1:], '"') + 1
		key := rest[1:end]
		if bytes.IndexByte(key, '\\') >= 0 {
			return false
		}
		rest = bytes.TrimLeft(rest[end+1:], blank)
		rest = bytes.TrimLeft(rest[1:], blank) // the colon
		n := valueEnd(rest)
		if !fn(key, rest[:n]) {
			return false
		}
		rest = bytes.TrimLeft(rest[n:], blank)
		if len(rest) == 0 || rest[0] != ',' {
			break
		}
		rest = bytes.TrimLeft(rest[1:], blank)
	}
	return len(rest) > 0 && rest[0] == '}'
}

// valueEnd gives the length of the value that valid JSON begins with.
func valueEnd(data []byte) int {
	level := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			level++
			continue
		case '}', ']':
			if level == 0 {
				return i
			}
			level--
		case ',', ' ', '\t', '\r', '\n':
			if level == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if level == 0 {
			return i + 1
		}
	}
	return len(data)
}
