package formula

import (
	"archive/zip"
	"bytes"
	"errors"
	"html"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
)

// corpusFormulas gives every distinct formula text of the workbooks in dir, with the
// first file and part that has it.
func corpusFormulas(t testing.TB, dir string) map[string]string {
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := strings.ToLower(filepath.Ext(path)); ext != ".xlsx" && ext != ".xlsm" {
			return nil
		}
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil // encrypted and broken files are the reader's business
		}
		defer z.Close()
		name, _ := filepath.Rel(dir, path)
		for _, f := range z.File {
			if strings.HasSuffix(f.Name, ".xml") && strings.HasPrefix(f.Name, "xl/") {
				partFormulas(f, name+" "+f.Name, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// partFormulas collects the texts of the elements that hold formulas. It reads as far
// as the XML is good.
func partFormulas(f *zip.File, where string, found map[string]string) {
	part := strings.TrimPrefix(f.Name, "xl/")
	switch {
	case strings.HasPrefix(part, "worksheets/"), strings.HasPrefix(part, "tables/"), strings.HasPrefix(part, "workbook"):
	default:
		return
	}
	r, err := f.Open()
	if err != nil {
		return
	}
	defer r.Close()
	data, _ := io.ReadAll(io.LimitReader(r, 64<<20))
	for {
		_, after, ok := bytes.Cut(data, []byte("<"))
		if !ok {
			return
		}
		tag, rest, _ := bytes.Cut(after, []byte(">"))
		if data = rest; bytes.HasSuffix(tag, []byte("/")) {
			continue
		}
		name, _, _ := bytes.Cut(tag, []byte(" "))
		if i := bytes.IndexByte(name, ':'); i >= 0 {
			name = name[i+1:]
		}
		switch string(name) {
		case "f", "definedName", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula":
			text, _, _ := bytes.Cut(rest, []byte("<"))
			if s := html.UnescapeString(string(text)); s != "" && found[s] == "" {
				found[s] = where
			}
		}
	}
}

// TestCorpus holds the parser and the printer to every formula of the corpus: it
// parses, and the nodes print it back to the byte. The workbooks in which a formula
// may be refused stand in testdata/corpus_exceptions.txt, with how many and why.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	data, err := os.ReadFile("testdata/corpus_exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]int{}
	for line := range strings.Lines(string(data)) {
		if line[0] == ';' {
			continue
		}
		fields := strings.SplitN(line, "\t", 3)
		if len(fields) != 3 {
			t.Fatalf("corpus_exceptions.txt: %q is not workbook, count and reason", line)
		}
		if expected[fields[0]], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatalf("corpus_exceptions.txt: %v", err)
		}
	}
	at := cell.Ref{Row: 40, Col: 20}
	formulas := corpusFormulas(t, dir)
	refused := map[string]int{}
	for text, where := range formulas {
		if underRace && Hash([]byte(text))%8 != 0 {
			continue // the race detector makes this ten times slower
		}
		tree, err := Parse(text)
		if err != nil {
			var pe *ParseError
			if !errors.As(err, &pe) {
				t.Errorf("%s: %q: error of type %T", where, text, err)
			}
			workbook, _, _ := strings.Cut(where, " ")
			refused[workbook]++
			if expected[workbook] == 0 {
				t.Errorf("%s: %q: %v", where, text, err)
			}
			continue
		}
		// Column letters are printed in upper case whatever they were.
		if got := string(tree.Append(nil)); got != text && !strings.EqualFold(got, text) {
			t.Errorf("%s: printed\n %q, is\n %q", where, got, text)
		}
		checkRelative(t, tree, text, at)
		checkShift(t, tree, text, cell.Ref{Row: 10, Col: 3}, cell.Ref{Row: 8, Col: 4})
	}
	for workbook, n := range expected {
		if refused[workbook] != n && !underRace {
			t.Errorf("%s: %d formulas refused, corpus_exceptions.txt says %d", workbook, refused[workbook], n)
		}
	}
	t.Logf("%d distinct formulas, refused as expected: %v", len(formulas), refused)
}

// checkRelative holds the two ways to the relative form together, and makes the
// formula again from it.
func checkRelative(t testing.TB, tree *Tree, text string, at cell.Ref) {
	t.Helper()
	b, err := AppendRelative(nil, text, at)
	if err != nil {
		t.Errorf("relative form of %q: %v", text, err)
		return
	}
	relative := string(b)
	if got := tree.Relative(at); got != relative {
		t.Errorf("relative form of %q:\n by tree %q\n by text %q", text, got, relative)
	}
	again, err := ParseMode(relative, Mode{Style: R1C1, At: at})
	if err != nil {
		t.Errorf("relative form of %q does not parse: %q: %v", text, relative, err)
		return
	}
	if got := again.Relative(at); got != relative {
		t.Errorf("relative form of %q is not stable:\n %q\n %q", text, relative, got)
	}
	checkTemplate(t, tree, text, at)
}

// checkTemplate: the literals are those of the tree, and the template is a formula with as many.
func checkTemplate(t testing.TB, tree *Tree, text string, at cell.Ref) {
	t.Helper()
	var l, m Literals
	b, err := AppendTemplate(nil, text, at, &l)
	if err != nil {
		t.Errorf("template of %q: %v", text, err)
		return
	}
	numbers, texts := tree.Literals()
	for _, n := range numbers {
		m.Numbers = append(m.Numbers, n.Float())
	}
	for _, n := range texts {
		m.Texts = append(m.Texts, n.Text)
	}
	if !l.Equal(&m) {
		t.Errorf("literals of %q:\n by text %v\n by tree %v", text, l, m)
	}
	again, err := ParseMode(string(b), Mode{Style: R1C1, At: at})
	if err != nil {
		t.Errorf("template of %q does not parse: %q: %v", text, b, err)
		return
	}
	numbers, texts = again.Literals()
	if len(numbers) != len(l.Numbers) || len(texts) != len(l.Texts) {
		t.Errorf("template of %q, %q, has %d numbers and %d texts of %d and %d", text, b, len(numbers), len(texts), len(l.Numbers), len(l.Texts))
	}
}

func checkShift(t testing.TB, tree *Tree, text string, from, to cell.Ref) {
	t.Helper()
	got, err := ShiftText(text, from, to)
	if err != nil {
		t.Errorf("shift of %q: %v", text, err)
		return
	}
	// The text keeps the case of what did not move.
	if want := tree.Shift(to.Row-from.Row, to.Col-from.Col).String(); !strings.EqualFold(got, want) {
		t.Errorf("shift of %q:\n by text %q\n by tree %q", text, got, want)
	}
}
