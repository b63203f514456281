package patch

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// generated makes a workbook of four sheets that refer to one another. In three of them the first three columns are numbers and the others formulas,
// which only refer to numbers, so that none goes round in a circle; the fourth has only numbers.
func generated(t *testing.T, rnd *rand.Rand) []byte {
	names := []string{"Data", "Other", "Q1 '26", "Numbers"}
	all := sheetList(names)
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	dollar := func() string { return pick("", "", "$") }
	prefixes := []string{"", "", "", "Data!", "Other!", "'Q1 ''26'!", "Numbers!"}
	ref := func() string {
		switch rnd.IntN(9) {
		case 0:
			return pick(prefixes...) + pick("$B:$C", "A:A", "B:$C")
		case 1:
			return "Numbers!" + pick("3:5", "$2:$2", "1:9")
		case 2, 3, 4:
			a, b := 1+rnd.IntN(9), 1+rnd.IntN(9)
			c := rnd.IntN(3)
			return fmt.Sprintf("%s%s%s%s%d:%s%s%s%d", pick(prefixes...), dollar(), cell.ColumnName(rnd.IntN(c+1)), dollar(), a, dollar(), cell.ColumnName(c), dollar(), a+b)
		}
		return fmt.Sprintf("%s%s%s%s%d", pick(prefixes...), dollar(), cell.ColumnName(rnd.IntN(3)), dollar(), 1+rnd.IntN(14))
	}
	function := func() string {
		out := pick("SUM", "COUNT", "MAX", "SUMSQ") + "(" + ref()
		for range rnd.IntN(3) {
			out += "," + ref()
		}
		return out + ")" + pick("", "*2", "+First", "+ROWS(Table)", "-1")
	}
	escape := func(s string) string {
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for i := range names {
		var b strings.Builder
		b.WriteString(`<worksheet ` + main + `><sheetData>`)
		shared := pick("A1*$B$4", "SUM(A$1:A1)", "Data!A1*2", "Other!B5+A1", "SUM(A1:C1)", "SUM($A$2:$B$7)-Numbers!A3")
		for row := 1; row <= 12; row++ {
			fmt.Fprintf(&b, `<row r="%d">`, row)
			for col := range 6 {
				at := cell.Ref{Row: row - 1, Col: col}
				switch {
				case col < 3 || i == 3:
					if rnd.IntN(7) > 0 {
						fmt.Fprintf(&b, `<c r="%s"><v>%d</v></c>`, at, rnd.IntN(100))
					}
				case col == 3 && row == 1:
					fmt.Fprintf(&b, `<c r="%s"><f t="shared" ref="D1:D12" si="0">%s</f></c>`, at, escape(shared))
				case col == 3:
					fmt.Fprintf(&b, `<c r="%s"><f t="shared" si="0"/></c>`, at)
				case rnd.IntN(3) > 0:
					fmt.Fprintf(&b, `<c r="%s"><f>%s</f></c>`, at, escape(function()))
				}
			}
			b.WriteString(`</row>`)
		}
		b.WriteString(`</sheetData></worksheet>`)
		all[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = b.String()
	}
	all["xl/workbook.xml"] = strings.Replace(all["xl/workbook.xml"], "</workbook>", `<definedNames><definedName name="First">Data!$A$3</definedName><definedName name="Table">'Q1 ''26'!$B$2:$C$7</definedName></definedNames></workbook>`, 1)
	return ziptest.Pack(t, all)
}
