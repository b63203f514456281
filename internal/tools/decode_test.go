package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// allArgs has an argument of every type that a tool may have.
type allArgs struct {
	testBook
	Sheet   string   `json:"sheet_name" required:"true"`
	Page    int      `json:"page_size" default:"50" min:"1" max:"500"`
	Ratio   float64  `json:"ratio"`
	Headers bool     `json:"include_headers" default:"true"`
	Styles  *bool    `json:"include_styles"`
	Format  string   `json:"format" enum:"csv|values_only" also:"tabs=csv"`
	Ranges  []string `json:"ranges" min:"1"`
	Rows    []int    `json:"rows" max:"3"`
	Value   Scalars  `json:"value"`
	Filters []struct {
		Column string  `json:"column" required:"true"`
		Op     string  `json:"op" enum:"eq|neq" also:"ne=neq|==:eq" default:"eq"`
		Value  Scalars `json:"value"`
	} `json:"filters"`
	Cursor *struct {
		Depth int `json:"depth" required:"true"`
	} `json:"cursor"`
	Mode []string `json:"types" enum:"text|number"`
}

type testBook struct {
	Workbook string `json:"workbook_or_fork_id" alias:"workbook_id" required:"true"`
}

const allExample = `{"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`

// TestDecode has pairs of arguments and what the decoder makes of them: the call that
// the decoded input stands for (defaults left out), or the text of the error.
func TestDecode(t *testing.T) {
	const ok = `"workbook_or_fork_id":"w","sheet_name":"S"`
	for _, test := range []struct{ args, want string }{
		{`{` + ok + `}`, `{` + ok + `}`},
		{`{"workbook_id":"w","sheet_name":"S"}`, `{` + ok + `}`},
		{`{` + ok + `,"page_size":"5"}`, `{` + ok + `,"page_size":5}`},
		{`{` + ok + `,"page_size":5.0}`, `{` + ok + `,"page_size":5}`},
		{`{` + ok + `,"page_size":5e1}`, `{` + ok + `}`},
		{`{` + ok + `,"page_size":null}`, `{` + ok + `}`},
		{`{"workbook_id":"w","sheet_name":2024}`, `{"workbook_or_fork_id":"w","sheet_name":"2024"}`},
		{`{"workbook_id":"w","sheet_name":["S"]}`, `{` + ok + `}`},
		{`{` + ok + `,"include_headers":"False","include_styles":true}`, `{` + ok + `,"include_headers":false,"include_styles":true}`},
		{`{` + ok + `,"ranges":"A1"}`, `{` + ok + `,"ranges":["A1"]}`},
		{`{` + ok + `,"ranges":"[\"A1\",\"B2\"]"}`, `{` + ok + `,"ranges":["A1","B2"]}`},
		{`{` + ok + `,"rows":[1,"2",3.0]}`, `{` + ok + `,"rows":[1,2,3]}`},
		{`{` + ok + `,"format":"CSV"}`, `{` + ok + `,"format":"csv"}`},
		{`{` + ok + `,"format":"tabs"}`, `{` + ok + `,"format":"csv"}`},
		{`{` + ok + `,"types":"Text"}`, `{` + ok + `,"types":["text"]}`},
		{`{` + ok + `,"ratio":"0.5"}`, `{` + ok + `,"ratio":0.5}`},
		{`{` + ok + `,"filters":{"column":"A","value":[1,true,"x",null]}}`, `{` + ok + `,"filters":[{"column":"A","value":[1,true,"x",null]}]}`},
		{`{` + ok + `,"filters":"[{\"column\":\"A\",\"op\":\"NE\",\"value\":3}]"}`, `{` + ok + `,"filters":[{"column":"A","op":"neq","value":3}]}`},
		{`{` + ok + `,"filters":[{"column":"A","op":"==","value":"x"}]}`, `{` + ok + `,"filters":[{"column":"A","value":"x"}]}`},
		{`{` + ok + `,"cursor":{"depth":2}}`, `{` + ok + `,"cursor":{"depth":2}}`},

		{``, `workbook_or_fork_id is missing; sheet_name is missing. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`null`, `workbook_or_fork_id is missing; sheet_name is missing. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`[1]`, `the arguments are an array, wanted an object. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`{"sheet_name":"S","workbook_id":"w","sheet":"x"}`, `"sheet" is not an argument; did you mean "sheet_name"? Example: t {` + ok + `}`},
		{`{` + ok + `,"pagesize":3}`, `"pagesize" is not an argument; did you mean "page_size"? Example: t {` + ok + `}`},
		{`{` + ok + `,"zzz":3}`, `"zzz" is not an argument; allowed: workbook_or_fork_id, sheet_name, page_size, ratio, include_headers, include_styles, format, ranges, rows, value, filters, cursor, types. Example: t {` + ok + `}`},
		{`{` + ok + `,"page_size":"abc"}`, `page_size: "abc" is a string, wanted an integer. Example: t {` + ok + `}`},
		{`{` + ok + `,"page_size":5.5}`, `page_size: 5.5 is not a whole number. Example: t {` + ok + `}`},
		{`{` + ok + `,"page_size":true}`, `page_size: true is a boolean, wanted an integer. Example: t {` + ok + `}`},
		{`{` + ok + `,"page_size":0}`, `page_size: 0 is below the minimum 1. Example: t {` + ok + `}`},
		{`{` + ok + `,"page_size":"1e999"}`, `page_size: "1e999" is a string, wanted an integer. Example: t {` + ok + `}`},
		{`{` + ok + `,"format":"cvs"}`, `format: "cvs" is not one of csv, values_only; did you mean "csv"? Example: t {` + ok + `}`},
		{`{` + ok + `,"ranges":[]}`, `ranges: wanted at least 1 entries, got 0. Example: t {` + ok + `}`},
		{`{` + ok + `,"ranges":[["A1","B1"]]}`, `ranges: entry 1: an array was given, wanted a string. Example: t {` + ok + `}`},
		{`{` + ok + `,"filters":[{"op":"eq"}]}`, `filters: entry 1: column is missing. Example: t {` + ok + `}`},
		{`{` + ok + `,"filters":3}`, `filters: 3 is a number, wanted an array of objects. Example: t {` + ok + `}`},
		{`{` + ok + `,"cursor":"x"}`, `cursor: "x" is a string, wanted an object. Example: t {` + ok + `}`},
		{`{"workbook_id":"w","workbook_or_fork_id":"w","sheet_name":"S"}`, `workbook_id and workbook_or_fork_id are the same argument; give one of them. Example: t {"workbook_or_fork_id":"w","sheet_name":"S"}`},
		{`{"sheet_name":"S","sheet_name":"T"}`, `"sheet_name" is given twice. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`{"sheet_name":{"a":1,"a":2}}`, `"a" is given twice. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`{"a":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`, `the arguments are nested more than 16 deep. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`{} {}`, `something follows the JSON value. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
		{`{"a":`, `not JSON: unexpected EOF. Example: t {"workbook_or_fork_id":"wb-1","sheet_name":"Data"}`},
	} {
		got := decodeToText(test.args)
		want := test.want
		if !strings.HasPrefix(want, "{") {
			want = "INVALID_PARAMS: Invalid params for tool 't': " + want
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", test.args, got, want)
		}
	}
}

// decodeToText gives the call that args stand for, or the error.
func decodeToText(args string) string {
	var in allArgs
	if err := planOf(reflect.TypeOf(in)).decode("t", allExample, json.RawMessage(args), reflect.ValueOf(&in).Elem(), false); err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(callText("t", in), "t ")
}

// FuzzDecode checks that nothing makes the decoder panic, and that what it accepts
// comes out the same when it is written as a call and read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"workbook_id":"w","sheet_name":"S"}`, `{"workbook_id":1,"sheet_name":["S"],"ranges":"[\"A\"]"}`, `null`, `[]`, `{"a":1,"a":2}`,
		`{"workbook_id":"w","sheet_name":"S","filters":[{"column":"A","op":"ne","value":[1,null,"\u0000"]}],"cursor":{"depth":"3"}}`,
		`{"workbook_id":"w","sheet_name":"S","page_size":"0x10","ratio":1e-300,"include_headers":"TRUE","rows":[1,2,3]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, args string) {
		first := decodeToText(args)
		if !strings.HasPrefix(first, "{") {
			if !strings.HasPrefix(first, "INVALID_PARAMS: ") {
				t.Fatalf("%q gives %q", args, first)
			}
			return
		}
		if again := decodeToText(first); again != first {
			t.Fatalf("%q is read as %s and then as %s", args, first, again)
		}
	})
}

func TestSchema(t *testing.T) {
	var got bytes.Buffer
	if err := json.Indent(&got, planOf(reflect.TypeFor[allArgs]()).appendSchema(nil), "", " "); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"page_size": {
   "type": "integer",
   "minimum": 1,
   "maximum": 500,
   "default": 50
  }`, `"types": {
   "type": "array",
   "items": {
    "type": "string",
    "enum": [
     "text",
     "number"
    ]
   }
  }`, `"required": [
  "workbook_or_fork_id",
  "sheet_name"
 ],
 "additionalProperties": false`,
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the schema lacks\n%s\nit is\n%s", want, &got)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	type inner struct {
		A int    `json:"a,omitempty"`
		B string `json:"b"`
	}
	type pruned struct {
		A int `json:"a,omitempty"`
	}
	n := 3
	v := &struct {
		Cut
		Nil      *int           `json:"nil"`
		Number   *int           `json:"number"`
		Empty    []int          `json:"empty"`
		Warnings []string       `json:"warnings"`
		Pruned   pruned         `json:"pruned"`
		Map      map[string]any `json:"map"`
		List     []inner        `json:"list"`
		Raw      json.RawMessage
		RawEmpty json.RawMessage `json:"raw_empty"`
		RawRows  json.RawMessage `json:"raw_rows"`
		Floats   []any           `json:"floats"`
	}{
		Number: &n, Map: map[string]any{"z": nil, "b": false, "a": []string{}}, List: []inner{{}, {1, "x\x00\"\xff</é"}},
		RawEmpty: json.RawMessage("[]"), RawRows: json.RawMessage("[[null]]"), Floats: []any{1.5, 1e21, nil, uint32(7)},
	}
	const want = `{"number":3,"warnings":[],"map":{"b":false},"list":[{"b":""},{"a":1,"b":"x\u0000\"` + "\ufffd" + `</é"}],"raw_rows":[[null]],"floats":[1.5,1E+21,null,7]}`
	got, ok := appendJSON(nil, v, 0)
	if string(got) != want || !ok || !json.Valid(got) {
		t.Errorf("got %s %v\nwant %s", got, ok, want)
	}
	if got, ok := appendJSON(nil, v, 30); ok || len(got) > 120 {
		t.Errorf("with a bound of 30 bytes: %d bytes, %v", len(got), ok)
	}
}

// TestErrorsAreShort checks that a call that is wrong in every way gives a text that
// clients show whole, with an example at its end that is right.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("x", 500)
	for _, tool := range Table() {
		args := `{"` + long + `":1`
		for _, p := range tool.Params() {
			args += `,"` + p.Name + `":{"` + long + `":["` + long + `"]}`
		}
		_, err := tool.Call(t.Context(), &Env{Workspace: newTestBook()}, json.RawMessage(args+"}"))
		if err == nil || len(err.Error()) > 1000 {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		_, example, ok := strings.Cut(err.Error(), "Example: "+tool.Name+" ")
		if !ok || !json.Valid([]byte(example)) {
			t.Errorf("%s: no example in %v", tool.Name, err)
		}
	}
}

// TestCamelCase: A's JavaScript client sends each argument as it was given beside what it makes of it.
func TestCamelCase(t *testing.T) {
	p := planOf(reflect.TypeFor[sheetPageIn]())
	for args, want := range map[string]string{
		`{"workbookId":"w","sheetName":"S","startRow":3,"workbook_id":"w","sheet_name":"S","start_row":3,"contextId":"x","options":{"dryRun":true}}`: "w S 3",
		`{"workbookId":"w","sheetName":"S","startRow":4}`:                "w S 4",
		`{"workbookId":"other","workbook_id":"w","sheet_name":"S"}`:      "w S 1",
		`{"workbook_id":"w","sheet_name":"S","nonsense":1}`:              `"nonsense" is not an argument`,
		`{"workbook_id":"w","workbook_or_fork_id":"w","sheet_name":"S"}`: "are the same argument",
	} {
		var in sheetPageIn
		got := ""
		if err := p.decode("t", "", json.RawMessage(args), reflect.ValueOf(&in).Elem(), true); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(in.Workbook, " ", in.Sheet, " ", in.StartRow)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s\ngives %s, want %s", args, got, want)
		}
	}
	var in sheetPageIn
	if err := p.decode("t", "", json.RawMessage(`{"workbookId":"w","sheet_name":"S"}`), reflect.ValueOf(&in).Elem(), false); err == nil {
		t.Error("camel case is taken where nobody said so")
	}
}

// TestExamplesChoose: the example of a call that went wrong has what the caller gave in place of another argument, and
// not that one beside it, with which it would be refused.
func TestExamplesChoose(t *testing.T) {
	env := editingEnv(t, Dense)
	for _, c := range []struct{ call, given, other string }{
		{`run_scenarios {"workbook_or_fork_id":"w","sheet_name":"S","grid":{"B1":[1]},"output":["B2"]}`, `"grid":{"B1":[1]}`, `"scenarios"`},
		{`sort_range {"fork_id":"f","table_name":"T","key":"A"}`, `"table_name":"T"`, `"range"`},
		{`import_csv {"fork_id":"f","sheet_name":"S","csv":"1,2","to":"A1"}`, `"csv":"1,2"`, `"source"`},
		{`restore_checkpoint {"fork_id":"f","version":2,"wrong":1}`, `"version":2`, `"checkpoint_id"`},
		{`find_value {"workbook_or_fork_id":"w","label":"Total","wrong":1}`, `"label":"Total"`, `"query"`},
		{`sort_range {"fork_id":"f","key":"A"}`, `"range"`, `"table_name"`},
	} {
		name, args, _ := strings.Cut(c.call, " ")
		_, err := callTool(t, env, name, args)
		if err == nil {
			t.Errorf("%s is taken", c.call)
			continue
		}
		if _, example, ok := strings.Cut(err.Error(), "Example: "); !ok || !strings.Contains(example, c.given) || strings.Contains(example, c.other) {
			t.Errorf("%s: %v", c.call, err)
		}
	}
}
