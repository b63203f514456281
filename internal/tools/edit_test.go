package tools

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestEditor holds what becomes of values as callers give them.
func TestEditor(t *testing.T) {
	fresh, err := blankWorkbook(t.Context(), []string{"One", "Two's"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		edit  string // an entry of edits
		guess bool
		want  string // what the cell is then, or the code of the error
	}{
		{`{"address":"A1","value":"00123"}`, false, `One!A1 text 00123`},
		{`{"address":"A1","value":"12.5"}`, false, `One!A1 text 12.5`},
		{`{"address":"A1","value":"12.5"}`, true, `One!A1 number 12.5`},
		{`{"address":"A1","value":"00123"}`, true, `One!A1 text 00123`},
		{`{"address":"A1","value":" true "}`, true, `One!A1 bool TRUE`},
		{`{"address":"A1","value":"10:30"}`, true, `One!A1 text 10:30`},
		{`{"address":"A1","value":"2026-11-26"}`, true, `One!A1 number 46352 as yyyy-mm-dd`},
		{`{"address":"A1","value":"2026-11-26"}`, false, `One!A1 text 2026-11-26`},
		{`{"address":"A1","value":"4111111111111111"}`, true, `One!A1 text 4111111111111111`},
		{`{"address":"A1","value":"#N/A"}`, true, `One!A1 error #N/A`},
		{`{"address":"A1","value":12.5}`, false, `One!A1 number 12.5`},
		{`{"address":"A1","value":true}`, false, `One!A1 bool TRUE`},
		{`{"address":"A1","value":null}`, false, `One!A1 clear`},
		{`{"address":"A1","value":""}`, false, `One!A1 clear`},
		{`{"address":"A1","clear":true}`, false, `One!A1 clear`},
		{`{"address":"$B$2","formula":"=SUM(A1:A2)"}`, false, `One!B2 =SUM(A1:A2)`},
		{`{"address":"B2","value":"SUM(A1:A2)","is_formula":true}`, false, `One!B2 =SUM(A1:A2)`},
		{`{"address":"B2","value":"=A1"}`, false, `One!B2 =A1`},
		{`{"address":"B2","value":"'=A1"}`, false, `One!B2 text =A1`},
		{`{"address":"B2","value":"="}`, false, `One!B2 text =`},
		{`{"address":"B2","value":"x","formula":"A1"}`, false, `One!B2 =A1`},
		{`{"address":"B2","date":"2026-11-26T12:00"}`, false, `One!B2 number 46352.5 as yyyy-mm-dd hh:mm:ss`},
		{`{"address":"B2","date":"06:00"}`, false, `One!B2 number 0.25 as hh:mm:ss`},
		{`{"address":"B2","date":"2026-11-26","number_format":"d.m."}`, false, `One!B2 number 46352 as d.m.`},
		{`{"address":"B2","number_format":"0%"}`, false, `One!B2 keep as 0%`},
		{`{"address":"'Two''s'!C3","value":1}`, false, `'Two''s'!C3 number 1`},
		{`{"address":"C3","sheet_name":"two's","value":1}`, false, `'Two''s'!C3 number 1`},
		{`"C3=1"`, false, `One!C3 text 1`},
		{`"C3=1"`, true, `One!C3 number 1`},
		{`"C3==A1*2"`, false, `One!C3 =A1*2`},

		{`{"address":"A1"}`, false, "INVALID_PARAMS"},
		{`{"address":"A1","value":1,"date":"2026-11-26"}`, false, "INVALID_PARAMS"},
		{`{"address":"A1","date":"yesterday"}`, false, "INVALID_PARAMS"},
		{`{"address":"A1","date":"2026-02-30"}`, false, "INVALID_PARAMS"},
		{`{"address":"A0","value":1}`, false, "RANGE_INVALID"},
		{`{"address":"A1:B2","value":1}`, false, "RANGE_INVALID"},
		{`{"address":"Three!A1","value":1}`, false, "SHEET_NOT_FOUND"},
		{`{"address":"A1","formula":"SUM("}`, false, "BAD_FORMULA"},
		{`{"address":"A1","value":[1,2]}`, false, "INVALID_PARAMS"},
	} {
		args := `{"fork_id":"f","edits":[` + c.edit + `]}`
		var in editBatchIn
		got := ""
		err := decodeArgs(t, "edit_batch", args, &in)
		if err == nil {
			e := newEditor(fresh, 0, c.guess, "fail")
			if err = e.add(t.Context(), in.Edits[0]); err == nil {
				op := e.edit().Ops[0].(book.SetCells)
				got = wordEdit(op.Sheet, op.Cells[0])
			}
		}
		if err != nil {
			ours, ok := MapError(err).(*Error)
			if !ok {
				t.Errorf("%s: %v", c.edit, err)
				continue
			}
			got = ours.Code
		}
		if got != c.want {
			t.Errorf("%s (guess %v): %s, want %s", c.edit, c.guess, got, c.want)
		}
	}
}

func wordEdit(sheet string, c book.CellEdit) string {
	s := cell.QuoteSheet(sheet) + "!" + c.Ref.String()
	kind := map[cell.Kind]string{cell.Text: "text ", cell.Number: "number ", cell.Bool: "bool ", cell.Error: "error "}[c.Value.Kind()]
	switch {
	case c.Keep:
		s += " keep"
	case c.HasFormula:
		s += " =" + c.Formula
	case c.Clear:
		s += " clear"
	default:
		s += " " + kind + string(c.Value.Append(nil))
	}
	if c.NumFmt != "" {
		s += " as " + c.NumFmt
	}
	return strings.TrimSpace(s)
}

// decodeArgs reads arguments as a call of the tool does.
func decodeArgs(t *testing.T, tool, args string, in any) error {
	t.Helper()
	v := reflect.ValueOf(in).Elem()
	return planOf(v.Type()).decode(tool, "", json.RawMessage(args), v, false)
}
