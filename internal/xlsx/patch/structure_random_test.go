package patch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// randomSheet makes a sheet in one of the many manners in which programs write them: with or without references, prefix, spans, white space and
// comments; with shared formulas that are defined where they begin, later, twice or not at all.
func randomSheet(rnd *rand.Rand) string {
	one := func(n int) bool { return rnd.IntN(n) == 0 }
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	p := pick("", "", "x:")
	space := func() string {
		if one(3) {
			return pick(" ", "\n", "\n  ", "<!-- <c> -->")
		}
		return ""
	}
	references, spans := !one(3), one(2)
	formula := func() string {
		return pick("A1", "$A$1*2", "SUM(A1:B3)", "SUM(A:A)+B2", "Other!A1", "SUM(Other!$A$1:C$3)", "SUM(2:3)", "First+1", "IF(A1&gt;1,&quot;a&quot;,B$2)")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>%s<%sworksheet %s>`, space(), p, strings.Replace(main, `xmlns=`, "xmlns"+strings.TrimSuffix(":"+strings.TrimSuffix(p, ":"), ":")+"=", 1))
	if one(2) {
		fmt.Fprintf(&b, `<%sdimension ref="A1:F9"/>`, p)
	}
	if one(2) {
		fmt.Fprintf(&b, `<%scols><%scol min="1" max="%d" width="9"/></%scols>`, p, p, 1+rnd.IntN(5), p)
	}
	fmt.Fprintf(&b, `<%ssheetData>`, p)
	defined := map[int]bool{}
	row := 0
	for range rnd.IntN(8) {
		b.WriteString(space())
		if references && one(3) {
			row += rnd.IntN(3)
		}
		tag := fmt.Sprintf("<%srow", p)
		if references || one(4) {
			tag += fmt.Sprintf(` r="%d"`, row+1)
		}
		if spans {
			tag += ` spans="1:6"`
		}
		if one(4) {
			tag += pick(` ht="20"`, ` hidden="1"`, ` x="&gt;>"`)
		}
		cells := rnd.IntN(6)
		if cells == 0 && one(2) {
			b.WriteString(tag + pick("/>", " />"))
			row++
			continue
		}
		b.WriteString(tag + ">")
		col := 0
		for range cells {
			b.WriteString(space())
			if references && one(3) {
				col++
			}
			at := cell.Ref{Row: row, Col: col}
			c := fmt.Sprintf("<%sc", p)
			if references || one(5) {
				c += fmt.Sprintf(` r="%s"`, at)
			}
			if one(3) {
				c += pick(` s="1"`, ` s='2'`)
			}
			f := ""
			switch rnd.IntN(7) {
			case 0:
				f = fmt.Sprintf("<%sf%s>%s</%sf>", p, pick("", "", ` ca="1"`), formula(), p)
			case 1, 2:
				si := rnd.IntN(3)
				if !defined[si] && !one(5) || one(12) {
					defined[si] = true
					f = fmt.Sprintf(`<%sf t="shared" ref="%s" si="%d">%s</%sf>`, p, cell.Range{First: at, Last: cell.Ref{Row: row + rnd.IntN(5), Col: col + rnd.IntN(3)}}, si, formula(), p)
				} else {
					f = fmt.Sprintf(`<%sf t="shared" si="%d"/>`, p, si)
				}
			}
			switch {
			case f == "" && one(6):
				b.WriteString(c + pick("/>", " />"))
			case f == "" && one(3):
				fmt.Fprintf(&b, `%s t="inlineStr"><%sis><%st>a &lt; b</%st></%sis></%sc>`, c, p, p, p, p, p)
			default:
				fmt.Fprintf(&b, `%s>%s%s<%sv>%d</%sv></%sc>`, c, f, pick("", "", " "), p, rnd.IntN(9), p, p)
			}
			col++
		}
		fmt.Fprintf(&b, `</%srow>`, p)
		row++
	}
	fmt.Fprintf(&b, `</%ssheetData>`, p)
	if one(2) {
		fmt.Fprintf(&b, `<%smergeCells count="1"><%smergeCell ref="B2:C4"/></%smergeCells>`, p, p, p)
	}
	if one(2) {
		fmt.Fprintf(&b, `<%sconditionalFormatting sqref="A1:A9 C3"><%scfRule type="expression" priority="1"><%sformula>A1&gt;Other!$A$1</%sformula></%scfRule></%sconditionalFormatting>`, p, p, p, p, p, p)
	}
	fmt.Fprintf(&b, `%s</%sworksheet>`, space(), p)
	return b.String()
}

// TestStructureOfManyManners changes the structure of sheets that are written in many manners.
func TestStructureOfManyManners(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(12, 34))
	rounds := 1000
	if testing.Short() || raceDetector {
		rounds = 150
	}
	made := 0
	for range rounds {
		p := sheetList([]string{"S", "Other"})
		p["xl/worksheets/sheet1.xml"], p["xl/worksheets/sheet2.xml"] = randomSheet(rnd), randomSheet(rnd)
		p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], "</workbook>", `<definedNames><definedName name="First">S!$A$1:$B$3</definedName></definedNames></workbook>`, 1)
		before := ziptest.Pack(t, p)
		f, err := openBytes(before)
		if err != nil {
			t.Fatalf("%v in %v", err, p)
		}
		changes := randomChanges(rnd, f, 1+rnd.IntN(3))
		_, refused, err := restructureAndCompare(before, changes...)
		if err != nil {
			t.Fatalf("%+v: %v\n%s\n%s", changes, err, p["xl/worksheets/sheet1.xml"], p["xl/worksheets/sheet2.xml"])
		}
		if refused == nil {
			made++
		}
	}
	if made < rounds*2/3 {
		t.Errorf("only %d of %d were made", made, rounds)
	}
}
