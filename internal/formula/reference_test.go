package formula

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/cell"
)

func mustParse(t testing.TB, text string) *Tree {
	t.Helper()
	tree, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tree
}

func TestReferences(t *testing.T) {
	tree := mustParse(t, `=LET(x,Jan:Dec!$A$1:B2,SUM(x,C:D,'[Book 1.xlsx]S 1'!5:4,Rate,Table1[@[a]:[b]],#REF!))+F9`)
	want := []string{
		` area book="" sheet="Jan"…"Dec" r0$c0$ r1c1`,
		` columns c2 c3`,
		` rows book="Book 1.xlsx" sheet="S 1" r4 r3`,
		` name "Rate"`,
		` table "Table1" #This Row "a"…"b"`,
		` deleted`,
		` cell r8c5`,
	}
	ranges := []string{"A1:B2", "C:D", "4:5", "", "", "", "F9"}
	i := 0
	for r := range References(tree.Root) {
		var b strings.Builder
		describeReference(&b, r)
		if b.String() != want[i] {
			t.Errorf("reference %d is %s, want %s", i, b.String(), want[i])
		}
		if x, ok := r.Range(); ok != (ranges[i] != "") || ok && x.String() != ranges[i] {
			t.Errorf("reference %d covers %v, %v, want %q", i, x, ok, ranges[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d references, want %d", i, len(want))
	}
	for r := range References(tree.Root) {
		if r.Kind == ColumnsRef {
			break // an early end of the loop is taken
		}
	}
}

func TestRewrite(t *testing.T) {
	rename := func(r Reference) Reference {
		if strings.EqualFold(r.Sheet(), "old") {
			return r.WithSheets(r.Book(), "New year's", r.LastSheet())
		}
		return r
	}
	down := func(r Reference) Reference { // a row inserted above row 5
		for _, c := range []*Corner{&r.First, &r.Last} {
			if r.Kind <= AreaRef && c.Row >= 4 {
				c.Row++
			}
		}
		return r
	}
	deleted := func(r Reference) Reference {
		if r.Kind == CellRef {
			r.Kind, r.First, r.Last = DeletedRef, Corner{}, Corner{}
		}
		return r
	}
	column := func(r Reference) Reference {
		if first, last := r.Columns(); first == "a" {
			return r.WithTable(r.Items(), "a#2", strings.Replace(last, "a", "a#2", 1))
		}
		return r
	}
	name := func(r Reference) Reference {
		if r.Name == "Run" || r.Name == "Rate" {
			r.Name = "Other"
		}
		return r
	}
	for _, test := range []struct {
		formula string
		f       func(Reference) Reference
		want    string
	}{
		{"= old!A1 +  Old!B:B + 'old'!x(1)", rename, "= 'New year''s'!A1 +  'New year''s'!B:B + 'New year''s'!x(1)"},
		{"=[1]old!A1+Old:Last!C3", rename, "='[1]New year''s'!A1+'New year''s:Last'!C3"},
		{"=SUM( A1:A9 ,\n$B$5 ) & \"A9\"", down, "=SUM( A1:A10 ,\n$B$6 ) & \"A9\""},
		{"=(A1+Sheet1!B2)^A1:C3", deleted, "=(#REF!+Sheet1!#REF!)^A1:C3"},
		{"=T[[#Totals],[a]]+T[a]+[@a]+T[[a]:[b]]+T[b]", column, "=T[[#Totals],[a'#2]]+T[a'#2]+[[#This Row],[a'#2]]+T[[a'#2]:[b]]+T[b]"},
		{"=[1]!Run( 1 )+Rate+Run(2)", name, "=[1]!Other( 1 )+Other+Run(2)"},
		{"=1+2", rename, "=1+2"},
	} {
		tree := mustParse(t, test.formula)
		got := tree.Rewrite(test.f)
		if got.String() != test.want {
			t.Errorf("%s became\n%s, want\n%s", test.formula, got, test.want)
		}
		if _, err := Parse(got.String()); err != nil {
			t.Errorf("%s became %s: %v", test.formula, got, err)
		}
		if tree.String() != test.formula || string(tree.Append(nil)) != strings.ReplaceAll(test.formula, "OLD", "old") {
			t.Errorf("%s was changed by its rewrite", test.formula)
		}
		if (got == tree) != (test.formula == test.want) {
			t.Errorf("%s: a tree without changes must come back as it is, and no other", test.formula)
		}
	}
}

func TestRewriteShares(t *testing.T) {
	tree := mustParse(t, "=A1+SUM(B2,C3)")
	got := tree.Rewrite(func(r Reference) Reference {
		if r.First.Col == 0 {
			r.First.Row, r.Last.Row = 6, 6
		}
		return r
	})
	if got.String() != "=A7+SUM(B2,C3)" || got.Root.Kids[1] != tree.Root.Kids[1] {
		t.Errorf("%s: SUM was copied although nothing in it changed", got)
	}
}

func TestFunctions(t *testing.T) {
	tree := mustParse(t, `sum(_xlfn.XLOOKUP(1,A:A,B:B),[1]!Mine(NOW()),_xlfn._xlws.SORT(C:C),LET(f,LAMBDA(x,x),f(1)))`)
	want := []string{"SUM", "XLOOKUP", "MINE", "NOW", "SORT", "LET", "LAMBDA"}
	if got := slices.Collect(Functions(tree.Root)); !slices.Equal(got, want) {
		t.Errorf("functions are %v, want %v", got, want)
	}
}

func TestVolatile(t *testing.T) {
	for _, name := range []string{"NOW", "today", "Rand", "RANDBETWEEN", "_xlfn.RANDARRAY", "OFFSET", "INDIRECT", "CELL", "INFO"} {
		if !Volatile(name) {
			t.Errorf("%s is volatile", name)
		}
	}
	for _, name := range []string{"", "INDEX", "ROW", "COLUMNS", "HYPERLINK", "MOD", "SUMIF", "NOWS", "RANDOM", "_xlfn.", "AREAS"} {
		if Volatile(name) {
			t.Errorf("%s is not volatile", name)
		}
	}
}

func TestDisplay(t *testing.T) {
	for text, want := range map[string]string{
		"=SUM(A1:B2)":                                           "=SUM(A1:B2)",
		"_xlfn.XLOOKUP( 1,A:A , B:B)":                           "XLOOKUP( 1,A:A , B:B)",
		"_xlfn._xlws.SORT(_xlfn.ANCHORARRAY(A1))":               "SORT(A1#)",
		"_xlfn.ANCHORARRAY(A1:B2)+_xlfn.ANCHORARRAY(F(1))":      "(A1:B2)#+F(1)#",
		"_xlfn.SINGLE(A1:A9)^2":                                 "@A1:A9^2",
		"_xlfn.SINGLE(A1):_xlfn.ANCHORARRAY(B1):C1":             "(@A1):B1#:C1",
		"A1 _xlfn.SINGLE(B1)":                                   "A1 (@B1)",
		"_xlfn.SINGLE( Rate )%":                                 "@ Rate%",
		"_xlfn.SINGLE(A1+B1)":                                   "@(A1+B1)",
		"_xlfn.LAMBDA(_xlpm.x,_xlop.y,_xlpm.x+_xlpm.y)(1)":      "LAMBDA(x,[y],x+y)(1)",
		"_xlfn.LET(_xlpm.f,_xlfn.LAMBDA(_xlpm.x,1),_xlpm.f(2))": "LET(f,LAMBDA(x,1),f(2))",
		`"_xlfn.A"`: `"_xlfn.A"`,
		"_xlfn.A(":  "_xlfn.A(",
	} {
		got := Display(text)
		if got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
		if _, err := Parse(got); err != nil && got != text {
			t.Errorf("%s is shown as %s: %v", text, got, err)
		}
	}
}

func TestFormat(t *testing.T) {
	at := cell.Ref{Row: 9, Col: 3}
	tree := mustParse(t, "= SUM( $A$1:A9 ) +  D:D + Sheet1!2:3")
	text := tree.Format(Mode{Style: R1C1, At: at})
	if want := "= SUM( R1C1:R[-1]C[-3] ) +  C + Sheet1!R[-8]:R[-7]"; text != want {
		t.Errorf("R1C1 is %s, want %s", text, want)
	}
	again, err := ParseMode(text, Mode{Style: R1C1, At: at})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Format(Mode{}); got != tree.String() {
		t.Errorf("from R1C1 it is %s, want %s", got, tree)
	}
	// Off the sheet there is no A1.
	far, err := ParseMode("R[-5]C+R[-5]+C[-5]+RC:R[1048575]C", Mode{Style: R1C1, At: cell.Ref{Row: 1, Col: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if got := far.Format(Mode{}); got != "#REF!+#REF!+#REF!+#REF!" {
		t.Errorf("off the sheet it is %s", got)
	}
	for r := range References(far.Root) {
		if x, ok := r.Range(); ok {
			t.Errorf("off the sheet a reference covers %v", x)
		}
	}
}

func TestLimits(t *testing.T) {
	sum := "1" + strings.Repeat("+1", MaxLength/2-1)
	tree := mustParse(t, sum) // as long as it gets, and as high as a tree gets
	if got := string(tree.Append(nil)); got != sum {
		t.Error("a long sum is printed otherwise")
	}
	for _, text := range []string{
		strings.Repeat("(", MaxLength),
		strings.Repeat("-", MaxLength),
		strings.Repeat("F(", MaxLength/2),
		strings.Repeat("(", MaxDepth) + "1" + strings.Repeat(")", MaxDepth),
		strings.Repeat("1", MaxLength+1),
		"=" + strings.Repeat("LET(a,", MaxDepth) + "a",
	} {
		var pe *ParseError
		if _, err := Parse(text); !errors.As(err, &pe) {
			t.Errorf("%.20s… (%d bytes) gives %v", text, len(text), err)
		}
	}
	for _, f := range []func(string) error{
		func(s string) error { _, err := ShiftText(s, cell.Ref{}, cell.Ref{Row: 1}); return err },
		func(s string) error { _, _, err := Fingerprint(s, cell.Ref{}); return err },
	} {
		var pe *ParseError
		if err := f(strings.Repeat("1", MaxLength+1)); !errors.As(err, &pe) {
			t.Errorf("a text that is too long gives %v", err)
		}
		if err := f(`A1&"b`); !errors.As(err, &pe) || pe.Offset != 3 {
			t.Errorf("an open text gives %v", err)
		}
	}
	deep := strings.Repeat("(", MaxDepth-1) + "1" + strings.Repeat(")", MaxDepth-1)
	mustParse(t, deep)
}

// TestShared reads one tree from many goroutines; the race detector watches.
func TestShared(t *testing.T) {
	tree := mustParse(t, `=IF(SUM('My Sheet'!B2:B13)>$F$1,VLOOKUP(A2,Prices!$A:$C,3,FALSE),Table1[@a])`)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			tree.Shift(i, i)
			tree.Relative(cell.Ref{Row: i, Col: i})
			for r := range References(tree.Root) {
				r.Range()
			}
		})
	}
	group.Wait()
}

// TestSheetsQuoted: of a reference through several sheets each name may have quotes of its own.
func TestSheetsQuoted(t *testing.T) {
	for text, want := range map[string][2]string{
		"'S 1:My T'!A1": {"S 1", "My T"}, "S:'My T'!A1": {"S", "My T"}, "'S 1':T!A1": {"S 1", "T"}, "'S 1':'My T'!A1": {"S 1", "My T"},
		"S:T!A1": {"S", "T"}, "'It''s':'that''s it'!A1": {"It's", "that's it"}, "Q:'It''s'!A1": {"Q", "It's"},
	} {
		r := mustParse(t, text).Root.Ref
		if r == nil || r.Sheet() != want[0] || r.LastSheet() != want[1] {
			t.Errorf("%s is of the sheets %q to %q", text, r.Sheet(), r.LastSheet())
		}
	}
}
