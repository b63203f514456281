package calc

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
)

// TestFunctions runs the tables in testdata/functions. A line is one of
//
//	# a remark
//	clear                   an empty workbook of sheets Sheet1 and Sheet2
//	set A1 12               a value: a number, "text", TRUE, #N/A, or =a formula
//	set Sheet2!B2 =A1*2
//	array A1:A3 =B1:B3*2    a formula entered as an array
//	name RATE =Sheet1!$A$1  a defined name
//	at C7                   the cell that the formulas below stand in (D500)
//	legacy on|off           formulas below are calculated as before arrays spilled
//	=SUM(1,2) => 3          a formula and its value
//
// A value is a number, TRUE, FALSE, "text", an error, blank as "", or an array {1,2;3,4}.
// Numbers agree to 1e-9, or to what stands behind them: 0.1234 ~1e-6.
func TestFunctions(t *testing.T) {
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{book: plain.New("Sheet1", "Sheet2"), at: cell.Ref{Row: 499, Col: 3}, arrays: true}
			for i, line := range strings.Split(string(data), "\n") {
				line = strings.TrimRight(line, " \r")
				if line == "" || line[0] == '#' {
					continue
				}
				if msg := s.do(line); msg != "" {
					t.Errorf("%s:%d: %s: %s", file, i+1, line, msg)
				}
			}
		})
	}
}

// script is the state of one table.
type script struct {
	book   *plain.Book
	at     cell.Ref
	arrays bool
}

// do carries out one line and says what is wrong.
func (s *script) do(line string) string {
	if line[0] == '=' {
		text, want, ok := cutLast(line, " => ")
		if !ok {
			return "no => in the line"
		}
		got, err := s.book.Ask(0, s.at, text, s.arrays)
		if err != nil {
			return err.Error()
		}
		return differs(got, want)
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "clear":
		s.book = plain.New("Sheet1", "Sheet2")
	case "at":
		s.at, _ = cell.ParseRef(rest)
	case "legacy":
		s.arrays = rest != "on"
	case "name":
		name, expr, _ := strings.Cut(rest, " ")
		s.book.Names[strings.ToUpper(name)] = strings.TrimPrefix(expr, "=")
	case "set", "array":
		where, value, _ := strings.Cut(rest, " ")
		sheet := 0
		if name, ref, ok := strings.Cut(where, "!"); ok {
			sheet, _ = s.book.SheetIndex(name)
			where = ref
		}
		r, ok := cell.ParseRange(where)
		if !ok {
			return "no such cell"
		}
		if value[0] == '=' {
			fill := cell.Range{}
			if word == "array" {
				fill = r
			}
			if err := s.book.SetFormula(sheet, r.First, value, s.arrays || word == "array", fill); err != nil {
				return err.Error()
			}
			s.book.Calculate()
			return ""
		}
		v, err := literal(value)
		if err != nil {
			return err.Error()
		}
		s.book.Set(sheet, r.First, v)
		s.book.Calculate()
	default:
		return "not a command"
	}
	return ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// literal reads a value.
func literal(s string) (cell.Value, error) {
	switch {
	case s == "TRUE" || s == "FALSE":
		return cell.BoolValue(s == "TRUE"), nil
	case len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"':
		return cell.TextValue(strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)), nil
	case s != "" && s[0] == '#':
		if e, ok := cell.ParseError(s); ok {
			return cell.ErrorValue(e), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return cell.Value{}, fmt.Errorf("%s is no value", s)
	}
	return cell.NumberValue(f), nil
}

// differs says how a value differs from the one that is written.
func differs(got fn.Value, want string) string {
	tolerance := 1e-9
	if w, tol, ok := strings.Cut(want, " ~"); ok {
		t, err := strconv.ParseFloat(tol, 64)
		if err != nil {
			return err.Error()
		}
		want, tolerance = w, t
	}
	if want != "" && want[0] == '{' {
		return differsArray(got, strings.Trim(want, "{}"), tolerance)
	}
	if a := got.Array(); a != nil {
		return "gives an array of " + fmt.Sprint(a.Rows, " × ", a.Cols)
	}
	w, err := literal(want)
	if err != nil {
		return err.Error()
	}
	if !same(got.Scalar(), w, tolerance) {
		return fmt.Sprintf("gives %s %s", got.Scalar().Kind(), got.Scalar())
	}
	return ""
}

func differsArray(got fn.Value, want string, tolerance float64) string {
	a := got.Array()
	if a == nil {
		a = &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{got.Scalar()}}
	}
	rows := split(want, ';')
	if len(rows) != a.Rows {
		return fmt.Sprintf("gives %d rows: %v", a.Rows, a.Cells)
	}
	for i, row := range rows {
		cols := split(row, ',')
		if len(cols) != a.Cols {
			return fmt.Sprintf("gives %d columns: %v", a.Cols, a.Cells)
		}
		for j, s := range cols {
			w, err := literal(s)
			if err != nil {
				return err.Error()
			}
			if !same(a.At(i, j), w, tolerance) {
				return fmt.Sprintf("gives %v", a.Cells)
			}
		}
	}
	return ""
}

// split cuts at sep outside of quotes.
func split(s string, sep byte) []string {
	var out []string
	start, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// same compares two values, numbers with a relative tolerance.
func same(got, want cell.Value, tolerance float64) bool {
	if got.IsBlank() && want.Kind() == cell.Text && want.Text() == "" {
		return true
	}
	if got.Kind() != want.Kind() {
		return false
	}
	if got.Kind() != cell.Number {
		return got == want
	}
	a, b := got.Number(), want.Number()
	return a == b || math.Abs(a-b) <= tolerance*math.Max(math.Abs(a), math.Abs(b)) || math.Abs(a-b) < 1e-300
}
