package scan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// locateAll feeds a document in pieces of given sizes, repeated.
func locateAll(doc string, refs []cell.Ref, ascending bool, sizes []int) (*Locator, error) {
	l := NewLocator(refs, func(int) bool { return true })
	l.Ascending = ascending
	var buf []byte
	for k, at := 0, 0; ; k++ {
		n := min(len(doc)-at, sizes[k%len(sizes)])
		buf = append(buf, doc[at:at+n]...)
		at += n
		used, err := l.Feed(buf, at == len(doc))
		if err != nil {
			return l, err
		}
		buf = slices.Clone(buf[used:])
		if at == len(doc) {
			return l, nil
		}
	}
}

// sheetText draws the XML of a sheet whose rows ascend: with every spelling that rows and
// cells may have.
func sheetText(t *rapid.T) string {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	p := pick("", "", "x:")
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version='1.0'?><!-- <%ssheetData> --><%sworksheet><%sdimension ref='A1'/><%ssheetData%s>", p, p, p, p, pick("", " "))
	row := 0
	for range rnd.IntN(12) {
		row += 1 + rnd.IntN(3)*rnd.IntN(2)
		number := fmt.Sprintf(` r="%d"`, row)
		fmt.Fprintf(&b, "%s<%srow%s%s", pick("", "", " \n", "<!-- </row> -->"), p, number, pick("", "", " spans='1:3'", "\n"))
		if rnd.IntN(5) == 0 {
			b.WriteString("/>")
			continue
		}
		b.WriteString(">")
		col := 0
		for range rnd.IntN(5) {
			step := 1 + rnd.IntN(2)
			if col > 0 && rnd.IntN(12) == 0 {
				step = 0 // a cell comes again
			}
			col += step
			name := cell.Ref{Row: row - 1, Col: col - 1}.String()
			if rnd.IntN(10) == 0 {
				name = strings.ToLower(name)
			}
			ref := fmt.Sprintf(` r="%s"`, name)
			if step == 1 && rnd.IntN(4) == 0 {
				ref = ""
			}
			fmt.Fprintf(&b, "<%sc%s%s", p, ref, pick("", " s='1'", ` x="a>b"`))
			b.WriteString(pick("/>", fmt.Sprintf("><%sv>1</%sv></%sc>", p, p, p), fmt.Sprintf("><%sis><%st>row w &lt;row &lt;/row </%st></%sis></%sc>", p, p, p, p, p),
				fmt.Sprintf("><%sextLst><%srow/><%sc/></%sextLst></%sc >", p, p, p, p, p)))
		}
		fmt.Fprintf(&b, "</%srow%s>", p, pick("", "", " ", "\n\n\n\n\n"))
	}
	fmt.Fprintf(&b, "%s</%ssheetData><%srowBreaks/></%sworksheet>", pick("", " "), p, p, p)
	return b.String()
}

// TestLocatorCuts checks that the places found do not depend on how the sheet is cut and on
// whether rows are passed over, and that they are where the cells are.
func TestLocatorCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := sheetText(t)
		set := make(map[cell.Ref]bool)
		for range rapid.IntRange(1, 6).Draw(t, "refs") {
			set[cell.Ref{Row: rapid.IntRange(0, 25).Draw(t, "row"), Col: rapid.IntRange(0, 9).Draw(t, "col")}] = true
		}
		var refs []cell.Ref
		for r := range set {
			refs = append(refs, r)
		}
		slices.SortFunc(refs, func(a, b cell.Ref) int { return (a.Row-b.Row)*100 + a.Col - b.Col })
		whole, err := locateAll(doc, refs, false, []int{len(doc)})
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 60), 1, 5).Draw(t, "sizes")
		for _, ascending := range []bool{false, true} {
			for _, sizes := range [][]int{sizes, {len(doc)}} {
				cut, err := locateAll(doc, refs, ascending, sizes)
				if err != nil {
					t.Fatalf("%v in %s", err, doc)
				}
				if a, b := places(whole), places(cut); a != b {
					t.Fatalf("ascending %v, sizes %v: %s\n%s\nin %s", ascending, sizes, a, b, doc)
				}
			}
		}
		for i, c := range whole.Cells {
			if c.Found && doc[c.From:c.To] != string(c.XML) {
				t.Fatalf("cell %v: %q is not at %d", refs[i], c.XML, c.From)
			}
		}

		// The reader sees the cells that are found, and no others.
		b := grid.NewBuilder("s")
		s := NewSheet(b, Limits{})
		// With a style, or a blank would not be stored.
		if _, err := s.Feed([]byte(doc), true); err != nil {
			t.Fatal(err)
		}
		sheet := b.Finish(nil)
		for _, c := range whole.Cells {
			if stored, ok := sheet.At(c.Ref); ok && !c.Found {
				t.Fatalf("the reader has cell %v %+v, which was not found in %s", c.Ref, stored, doc)
			}
		}
	})
}

// places writes down what a locator found.
func places(l *Locator) string {
	var b strings.Builder
	for _, c := range l.Cells {
		fmt.Fprintf(&b, "%v %v %v %d %v|", c.Ref, c.Found, c.Span, c.At, c.Pins)
	}
	for _, r := range l.Rows {
		fmt.Fprintf(&b, "%d %v %v %v %d %d|", r.Row, r.Found, r.Span, r.Empty, r.End, r.At)
	}
	fmt.Fprint(&b, l.Prefix, l.Dimension, l.Data, l.DataEmpty, l.DataEnd)
	return b.String()
}
