package server

import (
	"encoding/json"
	"testing"
)

// TestPlainCall: what clients send is taken for a plain call, and nothing that a closer
// look would refuse.
func TestPlainCall(t *testing.T) {
	for body, want := range map[string]bool{
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,{"b":"}\"]"}]}}}`:                                                            true,
		"{ \"params\" : { \"arguments\" : { } , \"name\" : \"echo\" } ,\n\"method\":\"tools/call\",\"id\":\"x\",\"jsonrpc\":\"2.0\" }":                                          true,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":"t","x":[{}],"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`: true,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":{}}}`:                                                                                    true,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":5}}`:                                                                                                    false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","name":"b"}}`:                                                                                       false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":[]}}`:                                                                                false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":{}}}}`:                                                                  false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":null}}`:                                                                                  false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"Name":"echo"}}`:                                                                                               false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}`:                                                                                                            false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":null}`:                                                                                                          false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call"}`:                                                                                                                        false,
		`{"jsonrpc":"2.0","id":7,"Id":8,"method":"tools/call","params":{"name":"echo"}}`:                                                                                        false,
		`{"jsonrpc":"2.0","id":7,"id":8,"method":"tools/call","params":{"name":"echo"}}`:                                                                                        false,
		`{"jsonrpc":"2.0","id":7.5,"method":"tools/call","params":{"name":"echo"}}`:                                                                                             false,
		`{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"echo"}}`:                                                                                            false,
		`{"jsonrpc":"2.0","id":1234567890123456,"method":"tools/call","params":{"name":"echo"}}`:                                                                                false,
		`{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"echo"}}`:                                                                                               false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"name":"echo"}}`:                                                                                               false,
		`{"jsonrpc":"2.0","id":7,"method":"tools\/call","params":{"name":"echo"}}`:                                                                                              false,
		`{"id":7,"id":8,"method":"tools/call","params":{"name":"echo"}}`:                                                                                                        false,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\ud83d\ude00"}}}`:                                                              true,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\ud83d"}}}`:                                                                    false,
		`[]`: false, `{}`: false, `"x"`: false, `7`: false,
	} {
		if !json.Valid([]byte(body)) {
			t.Errorf("the test is wrong: %s", body)
		} else if got := plainCall([]byte(body)); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

// FuzzPlainCall: a plain call is one that a closer look finds nothing wrong with.
func FuzzPlainCall(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,"\"}"]},"_meta":{"progressToken":1}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"\u0041"}}`))
	s := New(Config{Tools: fixtureTools()})
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) || !plainCall(body) {
			return
		}
		if _, p := s.checkMessage(body, true); p != nil {
			t.Errorf("%s: %s", body, p.message)
		}
	})
}
