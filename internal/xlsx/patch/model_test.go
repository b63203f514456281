package patch

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// content is what a cell holds, as the reader sees it.
type content struct {
	value   cell.Value
	formula string // as it is at the cell
	kind    grid.FormulaKind
	style   uint32
}

// model is what a sheet holds.
type model map[cell.Ref]content

// modelOf reads a sheet.
func modelOf(s *grid.Sheet) model {
	m := make(model)
	for c := range s.Cells(cell.WholeSheet) {
		v := content{value: s.Value(c.Ref), style: c.Style}
		if c.HasFormula() {
			f := s.Formula(c)
			v.formula, v.kind = f.Text, f.Kind
			if f.Kind == grid.SharedFormula {
				v.kind = grid.NormalFormula
				text, err := formula.ShiftText(f.Text, f.Anchor, c.Ref)
				if err != nil {
					text = fmt.Sprint("broken: ", f.Text, f.Anchor)
				}
				v.formula = text
			}
		}
		m.set(c.Ref, v)
	}
	return m
}

// set sets a cell. One that shows nothing and has no style is none.
func (m model) set(r cell.Ref, c content) {
	if c.value.IsBlank() && c.formula == "" && c.style == 0 {
		delete(m, r)
		return
	}
	m[r] = c
}

// apply does to the model what a patch does to a file.
func (m model) apply(cells []CellPatch) {
	for _, c := range cells {
		old, there := m[c.Ref]
		switch {
		case c.Remove:
			delete(m, c.Ref)
			continue
		case c.Keep == KeepContent:
			old.style = c.Style
			m.set(c.Ref, old)
			continue
		}
		n := content{value: c.Value, style: c.Style}
		if c.Keep == KeepFormula && there {
			n.formula, n.kind = old.formula, old.kind
		} else if c.HasFormula && c.Keep == KeepNothing {
			n.formula = c.Formula
			if t, err := formula.Parse(c.Formula); err == nil && t.Spills() {
				n.kind = grid.DynamicArray
			}
		}
		if n.formula != "" && !c.HasValue {
			n.value = cell.Value{}
		}
		if _, rich := xlsx.RichErrorType(n.value.Err()); n.value.Kind() == cell.Error && !rich {
			n.value = cell.ErrorValue(emit.Stored(n.value.Err()))
		}
		m.set(c.Ref, n)
	}
}

// same reports whether two contents are the same, for NaN too.
func same(a, b content) bool {
	if a.value.Kind() == cell.Number && b.value.Kind() == cell.Number && math.Float64bits(a.value.Number()) == math.Float64bits(b.value.Number()) {
		a.value = b.value
	}
	return a == b
}

// differences compares two models.
func differences(got, want model) error {
	for r, w := range want {
		if g, ok := got[r]; !ok || !same(g, w) {
			return fmt.Errorf("cell %v: got %+v, want %+v", r, g, w)
		}
	}
	for r, g := range got {
		if _, ok := want[r]; !ok {
			return fmt.Errorf("cell %v: got %+v, want none", r, g)
		}
	}
	return nil
}

// openBytes opens a workbook.
func openBytes(b []byte) (*xlsx.File, error) {
	return xlsx.Open(context.Background(), bytes.NewReader(b), int64(len(b)), xlsx.Limits{})
}

// reopened gives the model of a sheet in a saved file.
func reopened(b []byte, sheet int) (model, *xlsx.File, error) {
	f, err := openBytes(b)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.Sheet(context.Background(), sheet, cell.MaxRows-1)
	if err != nil {
		return nil, nil, err
	}
	return modelOf(s), f, nil
}

// raw gives the bytes of a part as they lie in the file, from its header to the next one.
func raw(file []byte, p *xlsx.Package, i int) []byte {
	from, to := p.Part(i).HeaderOffset, p.DirectoryOffset()
	for k := range p.Len() {
		if at := p.Part(k).HeaderOffset; at > from {
			to = min(to, at)
		}
	}
	return file[from:to]
}

// untouched makes sure that the parts of a saved file that were not changed have their bytes
// and order, and that all others are named in the report.
func untouched(before, after []byte, old, saved *xlsx.File, report Report) error {
	named := make(map[string]bool)
	for _, n := range report.Parts {
		named[n] = true
	}
	dropped := make(map[string]bool)
	for _, n := range report.Dropped {
		dropped[n] = true
	}
	p, q := old.Package(), saved.Package()
	k := 0
	for i := range p.Len() {
		if dropped[p.Part(i).Name] {
			continue
		}
		if k >= q.Len() || p.Part(i).RawName != q.Part(k).RawName {
			return fmt.Errorf("part %s is not where it was", p.Part(i).Name)
		}
		if !named[p.Part(i).Name] && !bytes.Equal(raw(before, p, i), raw(after, q, k)) {
			return fmt.Errorf("part %s was to stay as it is", p.Part(i).Name)
		}
		k++
	}
	for _, name := range report.Added {
		if k >= q.Len() || q.Part(k).Name != name {
			return fmt.Errorf("part %s is not where it was to be added", name)
		}
		k++
	}
	if k != q.Len() {
		return fmt.Errorf("there are %d parts, want %d", q.Len(), k)
	}
	return nil
}

// saved saves a patch, and checks what holds for every saved file.
func saved(t testing.TB, before []byte, p Patch) ([]byte, Report) {
	t.Helper()
	f, err := openBytes(before)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report, err := Save(context.Background(), f, p, &out)
	if err != nil {
		t.Fatal(err)
	}
	after, err := openBytes(out.Bytes())
	if err != nil {
		t.Fatalf("the saved file does not open: %v", err)
	}
	if err := untouched(before, out.Bytes(), f, after, report); err != nil {
		t.Fatal(err)
	}
	if report.Bytes != int64(out.Len()) {
		t.Fatalf("the report says %d bytes, %d were written", report.Bytes, out.Len())
	}
	return out.Bytes(), report
}

func at(a1 string) cell.Ref {
	r, ok := cell.ParseRef(a1)
	if !ok {
		panic(a1)
	}
	return r
}
