package formula

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/corpus"

	"pgregory.net/rapid"
)

func TestStored(t *testing.T) {
	checkRecords(t, "testdata/stored.txt", func(t *testing.T, formula string) string {
		stored, err := Stored(formula)
		if err != nil {
			t.Errorf("%s: %v", formula, err)
			return ""
		}
		checkStored(t, formula)
		out := "\t" + stored + "\n"
		if shown := Display(stored); shown != formula {
			out += "\t" + shown + "\n"
		}
		return out
	})
}

func TestStoredRefuses(t *testing.T) {
	for _, text := range []string{"", "1+", "XLOOKUP(", "LET(x,1", "@", "A1 B2 ("} {
		stored, err := Stored(text)
		if pe := (*ParseError)(nil); !errors.As(err, &pe) || stored != "" {
			t.Errorf("%q is stored as %q, error %v", text, stored, err)
		}
	}
}

// checkStored holds what is true of every formula that parses.
func checkStored(t rapid.TB, text string) {
	t.Helper()
	stored, err := Stored(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	again, err := Stored(stored)
	if err != nil || again != stored {
		t.Fatalf("%q is stored as %q, and that as %q, error %v", text, stored, again, err)
	}
	// Where an operator becomes a call, its operand may get parentheses.
	shown, want := Display(stored), Display(text)
	x, err := Parse(shown)
	if err != nil {
		t.Fatalf("%q is stored as %q and shown as %q: %v", text, stored, shown, err)
	}
	y, err := Parse(want)
	if err != nil {
		t.Fatalf("%q is shown as %q: %v", text, want, err)
	}
	if !same(x.Root, y.Root) {
		t.Fatalf("%q is stored as %q and shown as %q, want %q", text, stored, shown, want)
	}
	// The printer writes column letters in upper case, Stored does not. Else only the
	// parentheses around an operand of @ and # may differ.
	if !strings.ContainsAny(text, "@#") && !strings.EqualFold(shown, want) {
		t.Fatalf("%q is stored as %q and shown as %q, want %q", text, stored, shown, want)
	}
}

// TestStoredProperty is checkStored on trees that the grammar can write, with functions old
// and new and with the names of LET and LAMBDA.
func TestStoredProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := &Tree{Root: renamed(t, trees{t}.value(4))}
		checkStored(t, tree.String())
	})
}

// renamed gives functions of a tree other names.
func renamed(t *rapid.T, n *Node) *Node {
	m := *n
	m.Kids = slices.Clone(n.Kids)
	for i, k := range m.Kids {
		m.Kids[i] = renamed(t, k)
	}
	if m.Kind == Call && m.Text != "_xlfn.LET" {
		m.Text = rapid.SampledFrom([]string{"FILTER", "_xlfn.SORT", "unique", "XMATCH", "SUM", "_xlfn.NEWER", "NEWER", "_xlfn._xlws.FILTER"}).Draw(t, "name")
	} else if m.Kind == Call && rapid.Bool().Draw(t, "typed") {
		m.Text = "LET"
	}
	return &m
}

// FuzzStored holds checkStored for any text that is a formula.
func FuzzStored(f *testing.F) {
	for _, file := range []string{"testdata/stored.txt", "testdata/parse.txt", "testdata/shift.txt"} {
		for _, r := range readRecords(new(testing.T), file) {
			f.Add(r.formula)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse(text); err != nil {
			return
		}
		checkStored(t, text)
	})
}

// TestCorpusPrefixes compares the list of prefixes with the workbooks that other programs,
// mostly Excel, have written: each function that has a prefix there is in the list with
// that prefix, and none in the list is without one. So the stored text of a stored formula
// is the formula.
func TestCorpusPrefixes(t *testing.T) {
	formulas := corpusFormulas(t, corpus.Dir(t))
	prefixed := map[string]bool{}
	for text, where := range formulas {
		tree, err := Parse(text)
		if err != nil {
			continue
		}
		for n := range Nodes(tree.Root) {
			if n.Kind != Call || n.Ref != nil {
				continue
			}
			name := n.Function()
			old := n.Text[:storagePrefix(n.Text)]
			prefixed[name] = prefixed[name] || old != ""
			if want := futurePrefix(name); old != want && name != "ANCHORARRAY" && name != "SINGLE" {
				t.Errorf("%s: %s has the prefix %q, the list says %q", where, name, old, want)
			}
		}
		if stored, err := Stored(text); err != nil || stored != text {
			t.Errorf("%s: %q is stored as %q, error %v", where, text, stored, err)
		}
		if shown := Display(text); shown != text {
			checkStored(t, text)
			// What is shown, typed again, is the same formula.
			if again, err := Stored(shown); err != nil || !strings.EqualFold(again, text) {
				t.Errorf("%s: %q is shown as %q, which is stored as %q, error %v", where, text, shown, again, err)
			}
		}
	}
	n := 0
	for name := range future {
		if prefixed[name] {
			n++
		}
	}
	if n < 100 {
		t.Errorf("the corpus has only %d of the functions in the list", n)
	}
	t.Logf("the corpus has %d of the %d functions in the list", n, len(future))
}

// TestStoredShadow: a function whose name LET has bound stays a function in files, and is one when
// it comes from there.
func TestStoredShadow(t *testing.T) {
	for typed, want := range map[string]string{
		"LET(sum,5,sum+SUM(1,sum))":          "_xlfn.LET(_xlpm.sum,5,_xlpm.sum+SUM(1,_xlpm.sum))",
		"LET(rows,ROWS(A1:A3),ROWS(rows))":   "_xlfn.LET(_xlpm.rows,ROWS(A1:A3),ROWS(_xlpm.rows))",
		"LET(sum,LAMBDA(x,x),sum(4))":        "_xlfn.LET(_xlpm.sum,_xlfn.LAMBDA(_xlpm.x,_xlpm.x),_xlpm.sum(4))",
		"LAMBDA(f,f(1)+INT(f))(LAMBDA(x,x))": "_xlfn.LAMBDA(_xlpm.f,_xlpm.f(1)+INT(_xlpm.f))(_xlfn.LAMBDA(_xlpm.x,_xlpm.x))",
	} {
		stored, err := Stored(typed)
		if err != nil || stored != want {
			t.Errorf("%s is stored as %s (%v)", typed, stored, err)
		}
		if back := Display(stored); back != typed {
			t.Errorf("%s is shown as %s", stored, back)
		}
	}
}
