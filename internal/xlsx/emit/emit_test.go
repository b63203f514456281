package emit

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/scan"
)

// readBack scans a sheet of one cell.
func readBack(t *rapid.T, kind, body string) cell.Value {
	b := grid.NewBuilder("s")
	s := scan.NewSheet(b, scan.Limits{})
	if kind != "" {
		kind = ` t="` + kind + `"`
	}
	doc := `<worksheet><sheetData><row r="1"><c r="A1"` + kind + `>` + body + `</c></row></sheetData></worksheet>`
	if _, err := s.Feed([]byte(doc), true); err != nil {
		t.Fatalf("%v in %q", err, doc)
	}
	return b.Finish(nil).Value(cell.Ref{})
}

func TestValuesReadBack(t *testing.T) {
	texts := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[_x0-9A-Fa-f&<>"' \n\r\t]{0,20}`),
		rapid.StringMatching(`( |\n)?[a-z]{1,3}(_x[0-9A-F]{4}_){1,2}( |\t)?`),
		rapid.SampledFrom([]string{"\x00", "\x1f", "\uFFFE", "\uFFFF", "a\rb", "a\r\nb", "_x000D_", "_x000d", "__x0041_", "_x005F_x0041_", "\U0001F600", "", "]]>"}),
	)
	values := rapid.OneOf(
		rapid.Map(rapid.Float64(), cell.NumberValue),
		rapid.Map(rapid.Map(rapid.Uint64(), math.Float64frombits), cell.NumberValue),
		rapid.Map(rapid.Int64(), func(i int64) cell.Value { return cell.NumberValue(float64(i)) }),
		rapid.Map(texts, cell.TextValue),
		rapid.Map(rapid.Bool(), cell.BoolValue),
		rapid.Map(rapid.Uint8Range(uint8(cell.ErrNull), uint8(cell.ErrGettingData)), func(e uint8) cell.Value { return cell.ErrorValue(cell.ErrorCode(e)) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		v, computed := values.Draw(t, "value"), rapid.Bool().Draw(t, "computed")
		if Check(v) != nil {
			t.Skip("cannot be held")
		}
		got := readBack(t, Type(v, computed), string(AppendValue(nil, "", v, computed)))
		if v.Kind() == cell.Number && math.Signbit(got.Number()) != math.Signbit(v.Number()) || got != v {
			t.Fatalf("%#v is read back as %#v from %q", v, got, AppendValue(nil, "", v, computed))
		}
	})
}

func TestStored(t *testing.T) {
	for e := cell.ErrNull; e <= cell.ErrCirc; e++ {
		want := e
		if e > cell.ErrGettingData {
			want = cell.ErrValue
		}
		if got := Stored(e); got != want {
			t.Errorf("%v is stored as %v, want %v", e, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		v  cell.Value
		ok bool
	}{
		{cell.NumberValue(math.NaN()), false},
		{cell.NumberValue(math.Inf(-1)), false},
		{cell.NumberValue(math.MaxFloat64), true},
		{cell.TextValue(strings.Repeat("a", MaxText)), true},
		{cell.TextValue(strings.Repeat("a", MaxText+1)), false},
		{cell.TextValue(strings.Repeat("é", MaxText)), true},
		{cell.TextValue(strings.Repeat("\U0001F600", MaxText/2+1)), false},
		{cell.Value{}, true},
	} {
		if err := Check(c.v); (err == nil) != c.ok {
			t.Errorf("%.20v: error %v", c.v, err)
		}
	}
	for text, ok := range map[string]bool{"": false, "1": true, strings.Repeat("1", MaxFormula): true, strings.Repeat("1", MaxFormula+1): false} {
		if err := CheckFormula(text); (err == nil) != ok {
			t.Errorf("%.20q: error %v", text, err)
		}
	}
}

// TestAttributesAreQuoted checks what only attributes need.
func TestAttributesAreQuoted(t *testing.T) {
	if got := string(AppendAttribute(nil, "a\"b\n<&>é")); got != `a&quot;b_x000A_&lt;&amp;&gt;é` {
		t.Errorf("got %s", got)
	}
}
