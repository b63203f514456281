package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx"
)

// document opens a workbook.
func document(t testing.TB, b []byte) Document {
	t.Helper()
	d, err := opened(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	d.Key = t.Name()
	return d
}

// opened is document for a file that may be none.
func opened(ctx context.Context, b []byte) (Document, error) {
	f, err := xlsx.Open(ctx, bytes.NewReader(b), int64(len(b)), xlsx.Limits{})
	if err != nil {
		return Document{}, err
	}
	return Document{Snapshot: book.NewSnapshot("wb", "", f2source{f}), File: f}, nil
}

// f2source is a file as a book.Source.
type f2source struct{ *xlsx.File }

func packed(t testing.TB, b *genbook.Book) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOwnSheet: a workbook whose first sheet has the name of that of LibreOffice's own, in other letters, is calculated, and a
// range of it printed.
func TestOwnSheet(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	var first, other genbook.Grid
	first.Set("A1", 0, 2.0)
	first.Set("A99", 0, 2.0)
	other.Formula("A1", 0, "SUM(sheet1!A1:A2)*21", 1.0)
	other.Formula("A2", 0, "two*4", 1.0)
	b := &genbook.Book{Names: []genbook.Name{{Name: "two", Refers: "sheet1!$A$1"}}}
	b.AddSheet(first.Fill(&genbook.Sheet{Name: "sheet1"}))
	b.AddSheet(other.Fill(&genbook.Sheet{Name: "Other", Visibility: genbook.Hidden}))
	d := document(t, packed(t, b))
	d.Patch.Book.Shown = map[int]grid.Visibility{1: grid.Visible}
	v, err := o.Recalculate(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values(t, v.Snapshot), "1!A1=42(number) 1!A2=8(number)"; strings.TrimSpace(got) != want || len(v.Kept) > 0 {
		t.Errorf("%s, want %s; kept %v", got, want, v.Kept)
	}
	var out bytes.Buffer
	if err := o.Export(t.Context(), d, Export{Format: "pdf", Sheet: 0, Range: &cell.Range{}}, &out); err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(out.Bytes(), -1)); n != 1 {
		t.Errorf("%d pages, want that of a cell", n)
	}
}

// calculations is a workbook whose file has wrong values.
func calculations(t testing.TB) []byte {
	var g genbook.Grid
	g.Set("A1", 0, 2.0)
	g.Set("A2", 0, 40.0)
	g.Formula("B1", 0, "A1*21", 77.0)
	g.Formula("B2", 0, "A2>A1", true)
	g.Formula("B3", 0, "A1&\"x\"", "old")
	g.Formula("B4", 0, "1/0", 3.0)
	g.Formula("B5", 0, "B1+B1", 1.0)
	g.Formula("B6", 0, "NA()", 1.0)
	g.Formula("B7", 0, "IF(A1>0,\"\",1)", "was")
	var h genbook.Grid
	h.Formula("A1", 0, "SUM(Data!A1:A2)", 5.0)
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	b.AddSheet(h.Fill(&genbook.Sheet{Name: "It's more"}))
	return packed(t, b)
}

func values(t testing.TB, s *book.Snapshot) string {
	t.Helper()
	var b strings.Builder
	for i := range s.Workbook().Sheets {
		sheet, err := s.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		for c := range book.Computed(sheet, cell.WholeSheet) {
			fmt.Fprintf(&b, "%d!%v=%v(%v) ", i, c.Ref, c.Value, c.Value.Kind())
		}
	}
	return b.String()
}

// TestRecalculate: LibreOffice's values are those of its formulas, with the types that ours have.
func TestRecalculate(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	d := document(t, calculations(t))
	v, err := o.Recalculate(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := d.Snapshot.Calculate(t.Context(), nil, book.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values(t, v.Snapshot), values(t, native); got != want {
		t.Errorf("LibreOffice: %s\n   gridflow: %s", got, want)
	}
	if v.Formulas != 8 || len(v.Kept) != 0 || v.Snapshot.Stale() || !v.Snapshot.Given() {
		t.Errorf("%+v", v)
	}
	if got := values(t, d.Snapshot); !strings.Contains(got, "0!B1=77") {
		t.Errorf("the document has changed: %s", got)
	}
}

// TestNoEffect: a LibreOffice that is set to calculate nothing is found out.
func TestNoEffect(t *testing.T) {
	o := &Office{Runner: cold.Soffice(t, true)}
	_, err := o.Recalculate(t.Context(), document(t, calculations(t)))
	var ours *Error
	if !errors.As(err, &ours) || ours.Code != CodeNoEffect {
		t.Errorf("%v", err)
	}
}

// TestUnknownFunctions: what calls a function that LibreOffice does not know keeps its value.
func TestUnknownFunctions(t *testing.T) {
	var g genbook.Grid
	g.Set("A1", 0, 2.0)
	g.Formula("B1", 0, "_xlfn.NOSUCHTHING(A1)", 5.0)
	g.Formula("B2", 0, "B1+1", 6.0)
	g.Formula("B3", 0, "A1+1", 9.0)
	g.Formula("B4", 0, "nosuchname+1", nil)
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	o := &Office{Runner: cold.Pool(t)}
	v, err := o.Recalculate(t.Context(), document(t, packed(t, b)))
	if err != nil {
		t.Fatal(err)
	}
	if got := values(t, v.Snapshot); !strings.Contains(got, "B1=5(number) 0!B2=6(number) 0!B3=3(number)") {
		t.Errorf("%s", got)
	}
	if len(v.Kept) != 2 || fmt.Sprint(v.Functions) != "[NOSUCHTHING]" {
		t.Errorf("kept %v, functions %v", v.Kept, v.Functions)
	}
}

// TestTaken says which value a formula has in the end.
func TestTaken(t *testing.T) {
	n, b, x := cell.NumberValue, cell.BoolValue, cell.TextValue
	for _, c := range []struct {
		was, is, want cell.Value
		known         bool
	}{
		{n(1), n(2), n(2), true},
		{n(1229.8497276986882), n(1229.84972769869), n(1229.8497276986882), true},
		{n(1229.8497276986882), n(1229.84972769870), n(1229.84972769870), true},
		{b(true), n(1), b(true), true},
		{b(true), n(0), b(false), true},
		{b(true), n(2), n(2), true},
		{n(5), b(true), n(1), true},
		{x("a"), b(true), b(true), true},
		{cell.Value{}, b(true), b(true), true},
		{x("a"), cell.Value{}, x(""), true},
		{n(5), cell.ErrorValue(cell.ErrName), n(5), false},
		{cell.Value{}, cell.ErrorValue(cell.ErrName), cell.ErrorValue(cell.ErrName), true},
		{cell.ErrorValue(cell.ErrName), cell.ErrorValue(cell.ErrName), cell.ErrorValue(cell.ErrName), true},
		{n(5), cell.ErrorValue(cell.ErrNA), cell.ErrorValue(cell.ErrNA), true},
		{x("[b.xlsx]S"), x("'file:///s/office/worker-0/j/in.xlsx'#$S"), x("[b.xlsx]S"), false},
		{x("a"), x("file:///home/me/mine.xlsx"), x("file:///home/me/mine.xlsx"), true},
	} {
		if got, known := taken(c.was, c.is); got != c.want || known != c.known {
			t.Errorf("was %v, is %v: %v, %v", c.was, c.is, got, known)
		}
	}
}

// TestLies: a worker that says it is done and is not, and what it leaves, is refused.
func TestLies(t *testing.T) {
	d := document(t, calculations(t))
	copied := func(from, to string) {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		do   func(r wire.Request) error
		code string
	}{
		"nothing":        {func(wire.Request) error { return nil }, CodeNoEffect},
		"an empty file":  {func(r wire.Request) error { return os.WriteFile(r.Out, nil, 0o600) }, CodeNoEffect},
		"a link":         {func(r wire.Request) error { return os.Symlink(r.In, r.Out) }, CodeNoEffect},
		"no workbook":    {func(r wire.Request) error { return os.WriteFile(r.Out, []byte("hello"), 0o600) }, CodeFailed},
		"what it got":    {func(r wire.Request) error { copied(r.In, r.Out); return nil }, CodeNoEffect},
		"other workbook": {func(r wire.Request) error { return os.WriteFile(r.Out, packed(t, other(t)), 0o600) }, CodeFailed},
	} {
		o := &Office{Runner: &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) { return wire.Response{}, c.do(r) }}}
		_, err := o.Recalculate(t.Context(), d)
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	o := &Office{Runner: &cold.Runner{Do: func(context.Context, wire.Request) (wire.Response, error) {
		return wire.Response{Failure: &wire.Failure{Code: wire.NotLoaded, Message: "no."}}, nil
	}}}
	if _, err := o.Recalculate(t.Context(), d); err == nil || !strings.Contains(err.Error(), CodeFailed) {
		t.Errorf("a document that LibreOffice does not open: %v", err)
	}
}

func other(t testing.TB) *genbook.Book {
	var g genbook.Grid
	g.Set("A1", 0, 2.0)
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	return b
}
