package patch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
)

// bookModel is what the sheets of a workbook hold, in order.
type bookModel struct {
	names  []string
	sheets []model // nil for one that has no cells or cannot be read
	merges [][]cell.Range
	named  []grid.Name
	tables []structure.Table
}

func bookModelOf(f *xlsx.File) (bookModel, error) {
	var b bookModel
	for i, info := range f.Workbook().Sheets {
		b.names = append(b.names, info.Name)
		var m model
		var merges []cell.Range
		if info.Problem == "" && info.Kind.HasCells() {
			s, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
			if err != nil {
				return b, err
			}
			m, merges = modelOf(s), slices.Clone(s.Layout.Merges)
		}
		b.sheets, b.merges = append(b.sheets, m), append(b.merges, merges)
	}
	b.named = slices.Clone(f.Workbook().Names)
	s := saver{ctx: context.Background(), f: f}
	var err error
	b.tables, err = s.structureTables()
	return b, err
}

// change does to the model what package structure says of a change.
func (b bookModel) change(c structure.Change) bookModel {
	r := c.Rewriter(b.names, b.tables...)
	after := bookModel{names: c.Sheets(b.names)}
	after.sheets, after.merges = make([]model, len(after.names)), make([][]cell.Range, len(after.names))
	index := func(name string) int {
		return slices.IndexFunc(after.names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	if c.Kind == structure.AddSheet {
		after.sheets[index(c.Sheet)] = model{}
	}
	for i, name := range b.names {
		to, ok := r.Sheet(name)
		if !ok || b.sheets[i] == nil {
			continue
		}
		if after.sheets[index(to)] == nil {
			after.sheets[index(to)] = model{}
		}
		for _, m := range b.merges[i] {
			for _, a := range r.Cover(name, m) {
				if a.Range.First != a.Range.Last {
					after.merges[index(a.Sheet)] = append(after.merges[index(a.Sheet)], a.Range)
				}
			}
		}
	}
	for i, name := range b.names {
		for at, content := range b.sheets[i] {
			sheet, to, ok := r.Locate(name, at)
			if !ok {
				continue
			}
			if content.formula != "" {
				content.formula, _ = r.FormulaAt(content.formula, name, at)
			}
			if after.sheets[index(sheet)] == nil {
				after.sheets[index(sheet)] = model{}
			}
			after.sheets[index(sheet)][to] = content
		}
	}
	for _, n := range b.named {
		if n.Sheet >= 0 {
			to, ok := r.Sheet(b.names[n.Sheet])
			if !ok {
				continue
			}
			n.Sheet = index(to)
		}
		out, changed := r.Name(n.RefersTo)
		if changed && n.Name == "_xlnm._FilterDatabase" && strings.Contains(out, "#REF!") {
			continue
		}
		n.RefersTo = out
		after.named = append(after.named, n)
	}
	for _, t := range b.tables {
		to, from, ok := r.Table(t)
		if !ok {
			continue
		}
		after.tables = append(after.tables, to)
		for k, was := range from {
			if was < 0 && to.Header > 0 {
				at := cell.Ref{Row: to.Range.First.Row, Col: to.Range.First.Col + k}
				after.sheets[index(to.Sheet)][at] = content{value: cell.TextValue(to.Columns[k])}
			}
		}
	}
	return after
}

// compare says where two workbooks differ.
func (b bookModel) compare(want bookModel) error {
	if !slices.Equal(b.names, want.names) {
		return fmt.Errorf("the sheets are %q, want %q", b.names, want.names)
	}
	for i, name := range b.names {
		if err := differences(b.sheets[i], want.sheets[i]); err != nil {
			return fmt.Errorf("sheet %s: %w", name, err)
		}
		for _, list := range [][]cell.Range{b.merges[i], want.merges[i]} {
			slices.SortFunc(list, func(a, b cell.Range) int { return compareCells(a.First, b.First) })
		}
		if fmt.Sprint(b.merges[i]) != fmt.Sprint(want.merges[i]) && len(b.merges[i])+len(want.merges[i]) > 0 {
			return fmt.Errorf("sheet %s: %v are merged, want %v", name, b.merges[i], want.merges[i])
		}
	}
	if len(b.named) != len(want.named) {
		return fmt.Errorf("there are %d names, want %d", len(b.named), len(want.named))
	}
	for i := range b.named {
		if b.named[i] != want.named[i] {
			return fmt.Errorf("a name is %+v, want %+v", b.named[i], want.named[i])
		}
	}
	for _, list := range [][]structure.Table{b.tables, want.tables} { // they come by sheet
		slices.SortFunc(list, func(a, b structure.Table) int { return strings.Compare(a.Name, b.Name) })
	}
	if fmt.Sprint(b.tables) != fmt.Sprint(want.tables) {
		return fmt.Errorf("the tables are %+v, want %+v", b.tables, want.tables)
	}
	return nil
}

// restructureAndCompare makes changes in a file and compares what comes out with what package structure says. It gives what
// they were refused for, if they were, and what is wrong.
func restructureAndCompare(before []byte, changes ...structure.Change) (after []byte, refused, err error) {
	f, err := openBytes(before)
	if err != nil {
		return nil, nil, err
	}
	want, err := bookModelOf(f)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	report, err := Save(context.Background(), f, Patch{Structure: changes}, &out)
	if err != nil {
		var e *xlsx.Error
		if !errors.As(err, &e) {
			return nil, nil, fmt.Errorf("an error without a type: %w", err)
		}
		return nil, err, nil
	}
	for _, c := range changes {
		want = want.change(c)
	}
	saved, err := openBytes(out.Bytes())
	if err != nil {
		return nil, nil, fmt.Errorf("the saved file does not open: %w", err)
	}
	if err := untouched(before, out.Bytes(), f, saved, report); err != nil {
		return nil, nil, err
	}
	got, err := bookModelOf(saved)
	if err != nil {
		return nil, nil, fmt.Errorf("the saved file cannot be read: %w", err)
	}
	if err := got.compare(want); err != nil {
		return nil, nil, err
	}
	for _, name := range report.Parts {
		part, old := saved.Package().Find(name), f.Package().Find(name)
		if part == nil || old == nil || !strings.Contains(name, "sheet") || !strings.HasSuffix(name, ".xml") {
			continue
		}
		was, _, err1 := f.Package().ReadXML(old)
		is, _, err2 := saved.Package().ReadXML(part)
		if err1 == nil && err2 == nil && conforms(was) == nil {
			if err := conforms(is); err != nil {
				return nil, nil, fmt.Errorf("%s is damaged: %w", name, err)
			}
		}
	}
	return out.Bytes(), nil, nil
}

// randomChange gives a change that concerns what is in a workbook.
func randomChange(rnd *rand.Rand, f *xlsx.File, names []string) structure.Change {
	i := rnd.IntN(len(names))
	used := cell.Range{Last: cell.Ref{Row: 20, Col: 8}}
	for k, info := range f.Workbook().Sheets {
		if info.Name == names[i] && info.Kind == grid.Worksheet && info.Problem == "" {
			if s, err := f.Sheet(context.Background(), k, cell.MaxRows-1); err == nil {
				if u, ok := s.Used(); ok {
					used = u
				}
			}
		}
	}
	c := structure.Change{Sheet: names[i]}
	row, col := rnd.IntN(used.Last.Row+2), rnd.IntN(used.Last.Col+2)
	switch rnd.IntN(12) {
	case 0, 1:
		c.Kind, c.At, c.Count = structure.InsertRows, row, 1+rnd.IntN(3)
	case 2, 3:
		c.Kind, c.At, c.Count = structure.DeleteRows, row, 1+rnd.IntN(3)
	case 4, 5:
		c.Kind, c.At, c.Count = structure.InsertColumns, col, 1+rnd.IntN(3)
	case 6, 7:
		c.Kind, c.At, c.Count = structure.DeleteColumns, col, 1+rnd.IntN(3)
	case 8:
		c.Kind = structure.MoveCells
		c.Range = cell.Range{First: cell.Ref{Row: row, Col: col}, Last: cell.Ref{Row: row + rnd.IntN(4), Col: col + rnd.IntN(4)}}
		c.To = cell.Ref{Row: rnd.IntN(used.Last.Row + 4), Col: rnd.IntN(used.Last.Col + 4)}
		if rnd.IntN(3) == 0 {
			c.To.Col = c.Range.First.Col
		}
		switch rnd.IntN(3) {
		case 0:
			c.ToSheet = names[rnd.IntN(len(names))]
		case 1:
			c, _ = structure.Shifted(c.Sheet, c.Range, rnd.IntN(2) == 0, rnd.IntN(2) == 0)
		}
	case 9:
		c.Kind, c.Name = structure.RenameSheet, fmt.Sprintf("It's %d", rnd.IntN(1000))
	case 10:
		c.Kind, c.Position = structure.MoveSheet, rnd.IntN(len(names))
	default:
		if c.Kind = structure.DeleteSheet; rnd.IntN(2) == 0 {
			c = structure.Change{Kind: structure.AddSheet, Sheet: fmt.Sprintf("New %d", rnd.IntN(1000)), Position: rnd.IntN(len(names) + 1)}
		}
	}
	return c
}

// randomChanges gives some that follow one another.
func randomChanges(rnd *rand.Rand, f *xlsx.File, n int) []structure.Change {
	var names []string
	for _, s := range f.Workbook().Sheets {
		names = append(names, s.Name)
	}
	var list []structure.Change
	for range n {
		c := randomChange(rnd, f, names)
		if c.Check(names) != nil {
			continue
		}
		list, names = append(list, c), c.Sheets(names)
	}
	return list
}

// TestCorpusStructure makes random changes in every workbook of the corpus.
func TestCorpusStructure(t *testing.T) {
	t.Parallel()
	made, refusals := 0, map[string]int{}
	for i, path := range books(t) {
		if info, err := os.Stat(path); err != nil || info.Size() > 400_000 || raceDetector && i%16 > 0 {
			continue
		}
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := openBytes(before)
			if err != nil {
				t.Skipf("our reader does not open it: %v", err)
			}
			if _, err := bookModelOf(f); err != nil {
				t.Skipf("our reader does not read it: %v", err)
			}
			rnd := rand.New(rand.NewPCG(uint64(len(before)), 7))
			for range 12 {
				changes := randomChanges(rnd, f, 1+rnd.IntN(3))
				_, refused, err := restructureAndCompare(before, changes...)
				if err != nil {
					t.Errorf("%+v: %v", changes, err)
				}
				if refused != nil {
					refusals[refused.Error()]++
				} else {
					made++
				}
			}
		})
	}
	n := 0
	for _, times := range refusals {
		n += times
	}
	t.Logf("%d were made, %d refused for %d reasons", made, n, len(refusals))
	if made < 500 && !raceDetector {
		t.Errorf("only %d were made", made)
	}
	for why, n := range refusals {
		t.Logf("%d: %s", n, why)
	}
}
