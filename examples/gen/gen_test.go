package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// The committed files are those that the generator makes. Parts are compared
// after inflating, so that a new release of compress/flate does not matter.
func TestCommitted(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			made, err := e.build()
			if err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadFile(filepath.Join("..", e.name))
			if err != nil {
				t.Fatal(err)
			}
			if len(made) > 3_000_000 {
				t.Errorf("%d bytes are too many for an example", len(made))
			}
			if bytes.Equal(made, kept) {
				return
			}
			want, got := parts(t, kept), parts(t, made)
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || want[i] != got[i] {
					t.Fatalf("the committed file is not what the generator makes, from part %d on; run: go run ./examples/gen", i)
				}
			}
		})
	}
}

// parts gives the entries of a package in their order, name and content; any
// other file is one part.
func parts(t *testing.T, data []byte) []string {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return []string{string(data)}
	}
	var list []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %v %d\n%s", f.Name, f.Modified, f.Method, content))
	}
	return list
}

// notCalculated are formulas that the other engine has no answer for, though
// Excel has.
var notCalculated = map[string]string{
	"Summary!B24":    "a 3-D reference",
	"export (2)!G13": "SUBTOTAL leaves out the subtotals in its range, which are values here",
	"old!A4":         "an unknown name",
}

// Another engine, given the same precedents, calculates what the file has
// cached.
func TestCachedValues(t *testing.T) {
	for _, want := range []struct {
		name     string
		build    func() *genbook.Book
		formulas int // in the workbook
		every    int // one of so many is checked
	}{
		{"budget", budget, 439, 1},
		{"loan", loan, 3041, 9},
		{"sales", func() *genbook.Book { return salesOf(400) }, 400 + 73, 1}, // the other engine is slow
		{"messy", messy, 18, 1},
	} {
		t.Run(want.name, func(t *testing.T) {
			data, err := book(want.build)()
			if err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			type formula struct{ sheet, ref, text, cached string }
			var all []formula
			for _, sheet := range f.GetSheetList() {
				rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
				if err != nil {
					t.Fatal(err)
				}
				for r, row := range rows {
					for c, cached := range row {
						ref := cell.Ref{Row: r, Col: c}.String()
						text, err := f.GetCellFormula(sheet, ref)
						if err != nil {
							t.Fatal(err)
						}
						if text != "" {
							all = append(all, formula{sheet, ref, text, cached})
						}
					}
				}
			}
			if len(all) != want.formulas {
				t.Errorf("%d formulas, want %d", len(all), want.formulas)
			}
			// Each formula is calculated over the cached values of the others:
			// a fault then shows where it is, and nothing is calculated twice.
			value := func(c formula) {
				var v any = c.cached
				if n, err := strconv.ParseFloat(c.cached, 64); err == nil {
					v = n
				}
				if err := f.SetCellFormula(c.sheet, c.ref, ""); err != nil {
					t.Fatal(err)
				}
				if err := f.SetCellValue(c.sheet, c.ref, v); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range all {
				value(c)
			}
			plain := structured(t, f)
			for i, c := range all {
				if i%want.every != 0 || notCalculated[c.sheet+"!"+c.ref] != "" {
					continue
				}
				text := plain(c.ref, c.text)
				if err := f.SetCellFormula(c.sheet, c.ref, text); err != nil {
					t.Fatal(err)
				}
				got, err := f.CalcCellValue(c.sheet, c.ref, excelize.Options{RawCellValue: true})
				if err != nil {
					if _, isError := cell.ParseError(c.cached); !isError {
						t.Errorf("%s!%s =%s: %v", c.sheet, c.ref, text, err)
					}
				} else if !same(got, c.cached) {
					t.Errorf("%s!%s =%s: cached %q, calculated %q", c.sheet, c.ref, text, c.cached, got)
				}
				value(c)
			}
		})
	}
}

// structured gives a function that writes table references as A1 references,
// for an engine that does not know them.
func structured(t *testing.T, f *excelize.File) func(ref, formula string) string {
	columns := map[string]cell.Range{} // "Table[Column]" → cells, without the heading and the totals
	sheets := map[string]string{}
	for _, sheet := range f.GetSheetList() {
		tables, err := f.GetTables(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			r, _ := cell.ParseRange(table.Range)
			r.First.Row++
			if table.Name == "Months" {
				r.Last.Row-- // the only table with a totals row
			}
			columns[table.Name+"[]"] = r
			for c := r.First.Col; c <= r.Last.Col; c++ {
				head, err := f.GetCellValue(sheet, cell.Ref{Row: r.First.Row - 1, Col: c}.String())
				if err != nil {
					t.Fatal(err)
				}
				columns[table.Name+"["+head+"]"] = cell.RangeOf(cell.Ref{Row: r.First.Row, Col: c}, cell.Ref{Row: r.Last.Row, Col: c})
			}
			sheets[table.Name] = cell.QuoteSheet(sheet)
		}
	}
	column := regexp.MustCompile(`(\w+)\[([^][]*)\]`)
	thisRow := regexp.MustCompile(`(\w+)\[\[#This Row\],\[([^][]*)\]\]`)
	return func(ref, formula string) string {
		at, _ := cell.ParseRef(ref)
		formula = thisRow.ReplaceAllStringFunc(formula, func(s string) string {
			m := thisRow.FindStringSubmatch(s)
			return cell.Ref{Row: at.Row, Col: columns[m[1]+"["+m[2]+"]"].First.Col}.String()
		})
		return column.ReplaceAllStringFunc(formula, func(s string) string {
			r, ok := columns[s]
			if !ok {
				t.Errorf("no table column %s", s)
			}
			return sheets[s[:strings.Index(s, "[")]] + "!" + r.String()
		})
	}
}

func same(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return a == b
	}
	return math.Abs(x-y) <= 1e-6 // a thousandth of a cent: a different order of additions, not a different result
}

// messy.xlsx keeps what makes it messy.
func TestMessy(t *testing.T) {
	f, err := excelize.OpenFile("../messy.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); len(got) != 5 || got[0] != "Q1 '26 – Übersicht" {
		t.Fatalf("sheets %q", got)
	}
	for a1, want := range map[string]string{"I7": "00123", "K8": "5/1/26", "K10": "46030", "C15": "#DIV/0!", "C16": "#N/A", "F13": "377361.40000000002"} {
		got, err := f.GetCellValue("Q1 '26 – Übersicht", a1, excelize.Options{RawCellValue: true})
		if err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", a1, got, err, want)
		}
	}
	if shown, err := f.GetRowVisible("Q1 '26 – Übersicht", 11); err != nil || shown {
		t.Errorf("row 11 is shown (%v)", err)
	}
}

func TestOrders(t *testing.T) {
	data, err := orders()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) != 41 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if text := string(data); !strings.Contains(text, "01067") || !strings.Contains(text, `""urgent""`) || !strings.Contains(text, "fragile\nthis") {
		t.Error("a hard field is missing")
	}
}
