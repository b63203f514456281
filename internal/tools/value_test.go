package tools

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestFieldsReadBack checks that a field of a text grid says what the cell holds: with
// the rules of the tool's description, every value can be read back, kind and all.
func TestFieldsReadBack(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "'", "'x", "true", "FALSE", "#N/A", "#REF", "12", "-1.5", "1e5", "+", "-", ".", "2024-01-15",
		"10:30", "=A1", "a\tb\nc\\d", "00123", "tRUE", "T", "1-2-3", "é\u2028\u200f", "\ufeffx", "a\rb\x07\x1b[31m\x7f\u0085", "x\u202etxt.exe", "hi\U000E0041\U000E007F", "👩\u200d👩 ❤\ufe0f", "1,000", "12 Main St"}))
	rapid.Check(t, func(t *rapid.T) {
		var v cell.Value
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			v = cell.TextValue(text.Draw(t, "text"))
		case 1:
			v = cell.NumberValue(rapid.Float64().Draw(t, "number"))
		case 2:
			v = cell.BoolValue(rapid.Bool().Draw(t, "bool"))
		case 3:
			v = cell.ErrorValue(cell.ErrorCode(rapid.IntRange(1, 18).Draw(t, "error")))
		}
		field := string(values{}.appendField(nil, grid.Cell{Value: v}))
		if strings.ContainsAny(field, "\t\n\r\x00") || !utf8.ValidString(field) {
			t.Fatalf("%q breaks its line", field)
		}
		got := readField(t, field)
		want := v
		if v.Kind() == cell.Text {
			want = cell.TextValue(strings.ToValidUTF8(v.Text(), "\ufffd"))
			if strings.ContainsFunc(field, func(r rune) bool { return invisible(r) || r < ' ' || r == 0x7f }) {
				t.Fatalf("%q holds what is not seen", field)
			}
		}
		if got != want {
			t.Fatalf("%v %q is written as %q, which reads as %v %q", v.Kind(), v, field, got.Kind(), got)
		}
	})
}

// TestInvisible: what Unicode says is a control, reorders text, ends lines or is to be shown as nothing is written as an escape in
// every text. What is left are the joiners and selectors that real text needs, and signs that are seen.
func TestInvisible(t *testing.T) {
	shown := &unicode.RangeTable{
		R16: []unicode.Range16{{0x600, 0x605, 1}, {0x6dd, 0x6dd, 1}, {0x70f, 0x70f, 1}, {0x890, 0x891, 1}, {0x8e2, 0x8e2, 1}, // around Arabic and Syriac numbers and words
			{0x180b, 0x180d, 1}, {0x180f, 0x180f, 1}, {0x200c, 0x200d, 1}, {0xfe00, 0xfe0f, 1}}, // variations, joiners
		R32: []unicode.Range32{{0x110bd, 0x110bd, 1}, {0x110cd, 0x110cd, 1}, {0x13430, 0x1343f, 1}}, // Kaithi numbers, hieroglyphs
	}
	for r := range rune(unicode.MaxRune) + 1 {
		if !utf8.ValidRune(r) {
			continue
		}
		unseen := unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) && !unicode.Is(shown, r)
		field := plain("a" + string(r) + "b")
		if escaped := !strings.ContainsRune(field, r); escaped != unseen {
			t.Errorf("%U is written as %s", r, field)
		}
	}
}

// readField reads a field as the description of sheet_page says.
func readField(t *rapid.T, field string) cell.Value {
	if field == "" {
		return cell.Value{}
	}
	if e, ok := cell.ParseError(field); ok {
		return cell.ErrorValue(e)
	}
	if field == "TRUE" || field == "FALSE" {
		return cell.BoolValue(field == "TRUE")
	}
	if c := field[0]; c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9' {
		if f, err := strconv.ParseFloat(field, 64); err == nil {
			return cell.NumberValue(f)
		}
	}
	field = strings.TrimPrefix(field, "'")
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			b.WriteByte(field[i])
			continue
		}
		i++
		switch field[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '\\':
			b.WriteByte('\\')
		case 'u', 'U':
			r, _, rest, err := strconv.UnquoteChar(field[i-1:], 0)
			if err != nil {
				t.Fatalf("%q: %v", field, err)
			}
			b.WriteRune(r)
			i = len(field) - len(rest) - 1
		default:
			t.Fatalf("unknown escape in %q", field)
		}
	}
	return cell.TextValue(b.String())
}

// FuzzAreas checks that no range argument makes the resolver panic or give cells that
// are on no sheet, and that what it fails with can be mended.
func FuzzAreas(f *testing.F) {
	for _, seed := range []string{"A1", "$B$2:d9", "B:B", "2:5", "'My Sheet'!A1:B2", "My Sheet!A1", "Some", "Fruit[#All]", "Fruit[[#Headers],[a]:[b]]", "A1,B2,(C3)",
		"Loop", "Fruit[@a]", "A1:B2:C3", "#REF!", "[1]x!A1", "'", "!A1", "A1 B2", "XFD1048577", "=A1", "Jan:Dec!A1", "Fruit['[]"} {
		f.Add(seed)
	}
	b := newTestBook()
	for _, name := range []string{"Data", "My Sheet"} {
		builder := grid.NewBuilder(name)
		if err := builder.Text(cell.Ref{}, 0, []byte("a")); err != nil {
			f.Fatal(err)
		}
		b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: name})
		b.sheets, b.partial = append(b.sheets, builder.Finish(nil)), append(b.partial, nil)
	}
	b.wb.Names = []grid.Name{{Name: "Some", Sheet: -1, RefersTo: "Data!$A$1,Data!$B$2"}, {Name: "Loop", Sheet: -1, RefersTo: "Loop"}, {Name: "Mine", Sheet: 1, RefersTo: "A1"}}
	b.tables = []grid.Table{{Name: "Fruit", Range: cell.Range{Last: cell.Ref{Row: 3, Col: 1}}, HeaderRows: 1, Columns: []grid.TableColumn{{Name: "a"}, {Name: "b"}}}}
	snap := book.NewSnapshot("x", "", b)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := areas(context.Background(), snap, 0, text)
		if err != nil {
			if _, ok := MapError(err).(*Error); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if len(list) == 0 {
			t.Fatalf("%q names nothing", text)
		}
		for _, a := range list {
			if a.sheet < 0 || a.sheet > 1 || !a.rng.First.Valid() || !a.rng.Last.Valid() || a.rng.First.Row > a.rng.Last.Row || a.rng.First.Col > a.rng.Last.Col {
				t.Fatalf("%q is %v on sheet %d", text, a.rng, a.sheet)
			}
		}
	})
}

func TestTint(t *testing.T) {
	for _, test := range []struct {
		rgb  uint32
		tint float64
		want string
	}{
		{0x4472C4, 0, "FF4472C4"}, {0xFFFFFF, -0.5, "FF808080"}, {0x000000, 0.5, "FF808080"}, {0xFF0000, 0.5, "FFFF8080"}, {0x00FF00, -0.5, "FF008000"},
	} {
		if got := tinted(test.rgb, test.tint); got != test.want {
			t.Errorf("%06X with tint %v is %s, want %s", test.rgb, test.tint, got, test.want)
		}
	}
}

// TestNothingVanishes checks that every character of a cell is in CSV, and that a row
// there stays one.
func TestNothingVanishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a\rb", "\x07\x1b", "\u2028\u0085\u202e\U000E0041", "a,\"b\"\n"})).Draw(t, "text")
		line := values{}.appendCSV(nil, grid.Cell{Value: cell.TextValue(text)})
		r := csv.NewReader(bytes.NewReader(append(append(line, ",x"...), '\n')))
		fields, err := r.Read()
		// The reader of the standard library makes \n of \r\n in a field.
		want := strings.ReplaceAll(text, "\r\n", "\n")
		if err != nil || len(fields) != 2 || fields[0] != want {
			t.Fatalf("%q is written %q, which reads as %q %v", text, line, fields, err)
		}
	})
}
