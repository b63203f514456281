package forks

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// TestStructureOfCorpus restructures third-party workbooks at random and compares what the snapshot says of every sheet
// with what stands in the file that is written.
func TestStructureOfCorpus(t *testing.T) {
	for name, path := range corpusFiles(t) {
		t.Run(name, func(t *testing.T) { restructureFile(t, path) })
	}
}

// corpusFiles yields the smaller workbooks of the corpus, by name; with the race detector only some of them: a test that has one
// goroutine runs over the whole of it without.
func corpusFiles(t *testing.T) iter.Seq2[string, string] {
	dir := corpus.Dir(t)
	files := slices.DeleteFunc(corpus.Files(t), func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Size() >= 1<<20
	})
	return func(yield func(name, path string) bool) {
		for i, path := range files {
			if raceDetector && i%8 != 0 {
				continue
			}
			if name, _ := filepath.Rel(dir, path); !yield(name, path) {
				return
			}
		}
	}
}

// drawnFile reads a file, and gives what draws the same for it in each run; each test has a stream of its own.
func drawnFile(t *testing.T, path string, stream uint64) ([]byte, *rand.Rand) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seed := fnv.New64a()
	seed.Write([]byte(filepath.Base(path)))
	return data, rand.New(rand.NewPCG(seed.Sum64(), stream))
}

func restructureFile(t *testing.T, path string) {
	ctx := t.Context()
	data, rng := drawnFile(t, path, 1)
	for round := range 4 {
		f, err := xlsx.Open(ctx, bytes.NewReader(data), int64(len(data)), xlsx.Limits{})
		if err != nil {
			t.Skip(err)
		}
		s := book.NewSnapshot("wb", "rev", f).Stored()
		for range 1 + round {
			c := randomChange(ctx, rng, s)
			next, _, err := s.Apply(ctx, book.Edit{Ops: []book.Op{book.Restructure{Change: c}}})
			if err != nil {
				continue // it is refused, or a sheet cannot be read
			}
			s = next
		}
		if len(s.Moves()) == 0 {
			continue
		}
		is, err := patch.Restructure(ctx, f, s.Moves())
		if err != nil {
			t.Errorf("%+v: %v", s.Moves(), err)
			continue
		}
		for i := range s.Workbook().Sheets {
			_, _ = s.Sheet(ctx, i) // what a move does besides is known then
		}
		if d := structureDiffers(ctx, s.Written(), is); d != "" {
			t.Errorf("%+v:\n%s", s.Moves(), d)
		}
	}
}

// randomChange is a change of somewhere where a sheet has cells.
func randomChange(ctx context.Context, rng *rand.Rand, s *book.Snapshot) structure.Change {
	sheets := s.Workbook().Sheets
	i := rng.IntN(len(sheets))
	c := structure.Change{Sheet: sheets[i].Name, Kind: []structure.Kind{
		structure.InsertRows, structure.InsertRows, structure.DeleteRows, structure.DeleteRows, structure.InsertColumns, structure.DeleteColumns,
		structure.MoveCells, structure.AddSheet, structure.DeleteSheet, structure.RenameSheet, structure.MoveSheet,
	}[rng.IntN(11)]}
	used := cell.Range{}
	if sheet, err := s.Sheet(ctx, i); err == nil {
		used, _ = sheet.Used()
	}
	some := func() cell.Ref {
		return cell.Ref{Row: rng.IntN(used.Last.Row + 2), Col: rng.IntN(used.Last.Col + 2)}
	}
	switch rows, _, ok := c.Lines(); {
	case ok && rows:
		c.At, c.Count = some().Row, 1+rng.IntN(3)
	case ok:
		c.At, c.Count = some().Col, 1+rng.IntN(2)
	case c.Kind == structure.MoveCells:
		c.Range, c.To = cell.RangeOf(some(), some()), some()
	case c.Kind == structure.AddSheet:
		c.Sheet, c.Position = fmt.Sprint("New ", rng.IntN(100)), rng.IntN(len(sheets)+1)
	case c.Kind == structure.RenameSheet:
		c.Name = fmt.Sprint("It's ", rng.IntN(100))
	case c.Kind == structure.MoveSheet:
		c.Position = rng.IntN(len(sheets))
	}
	return c
}

// structureDiffers says what of a workbook is otherwise in a file.
func structureDiffers(ctx context.Context, s *book.Snapshot, f *xlsx.File) string {
	var out strings.Builder
	say := func(format string, args ...any) {
		if out.Len() < 2000 {
			fmt.Fprintf(&out, format+"\n", args...)
		}
	}
	a, b := s.Workbook(), f.Workbook()
	if x, y := sheetList(a), sheetList(b); !slices.Equal(x, y) {
		say("sheets %q, in the file %q", x, y)
		return out.String()
	}
	for k := range max(len(a.Names), len(b.Names)) {
		if k >= len(a.Names) || k >= len(b.Names) || a.Names[k] != b.Names[k] {
			say("names %+v, in the file %+v", a.Names[min(k, len(a.Names)):], b.Names[min(k, len(b.Names)):])
			break
		}
	}
	tables, err := s.Tables(ctx)
	is, err2 := f.Tables(ctx)
	if err != nil || err2 != nil || len(tables) != len(is) {
		say("%d tables, in the file %d (%v, %v)", len(tables), len(is), err, err2)
	} else {
		for k := range is {
			x, y := tables[k], is[k]
			x.Part, y.Part = "", ""
			if !reflect.DeepEqual(x, y) {
				say("table %+v, in the file %+v", x, y)
			}
		}
	}
	for i, info := range a.Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		x, err := s.Sheet(ctx, i)
		y, err2 := f.Sheet(ctx, i, cell.MaxRows-1)
		if err != nil || err2 != nil {
			if (err == nil) != (err2 == nil) {
				say("%s: %v, in the file %v", info.Name, err, err2)
			}
			continue
		}
		for p, q := range grid.Diff(x, y, nil) {
			fx, fy := book.StoredFormula(x, p), book.StoredFormula(y, q)
			// A blank cell that is as its row and column are is the same as none.
			sx, sy := x.StyleAt(p.Ref), y.StyleAt(q.Ref)
			if p.Value != q.Value || sx != sy || fx != fy || fills(x, p) != fills(y, q) {
				say("%s!%v: %v =%s (%d, %v), in the file %v =%s (%d, %v)", info.Name, p.Ref, p.Value, fx, sx, x.Formula(p).Range, q.Value, fy, sy, y.Formula(q).Range)
			}
		}
		l, m := *x.Layout, *y.Layout
		l.Objects, m.Objects = nil, nil
		l.Views, m.Views = grid.View{}, grid.View{}
		for k := range reflect.ValueOf(l).NumField() {
			p, q := reflect.ValueOf(l).Field(k), reflect.ValueOf(m).Field(k)
			if p.Kind() == reflect.Slice && p.Len() == 0 && q.Len() == 0 {
				continue
			}
			if !reflect.DeepEqual(p.Interface(), q.Interface()) {
				say("%s, %s: %+v, in the file %+v", info.Name, reflect.TypeOf(l).Field(k).Name, p.Interface(), q.Interface())
			}
		}
	}
	return out.String()
}

// fills gives what the array formula in a cell fills.
func fills(s *grid.Sheet, c grid.Cell) cell.Range {
	if f := s.Formula(c); c.HasFormula() && f.Kind != grid.SharedFormula && f.Range.Cells() > 1 {
		return f.Range
	}
	return cell.Range{}
}

func sheetList(b *grid.Workbook) (names []string) {
	for _, s := range b.Sheets {
		names = append(names, s.Name)
	}
	return names
}

// TestStructureValuesOfCorpus restructures third-party workbooks at random. With what the changes disturbed calculated, all formulas have
// the values that they have when all of them are, to the last bit; and so it is where changes follow one another before anything is
// calculated.
func TestStructureValuesOfCorpus(t *testing.T) {
	for name, path := range corpusFiles(t) {
		t.Run(name, func(t *testing.T) { restructureValues(t, path) })
	}
}

func restructureValues(t *testing.T, path string) {
	ctx := t.Context()
	data, rng := drawnFile(t, path, 2)
	f, err := xlsx.Open(ctx, bytes.NewReader(data), int64(len(data)), xlsx.Limits{})
	if err != nil {
		t.Skip(err)
	}
	at := book.Moment{Now: 45000.5, Seed: 7}
	s, _, err := book.NewSnapshot("wb", "rev", f).Stored().Calculate(ctx, nil, at)
	if err != nil {
		t.Skip(err)
	}
	if s.Workbook().Iterative {
		t.Skip("what iterates goes on from where it came to")
	}
	run, all := 0, 0
	for round := range 6 {
		c := randomChange(ctx, rng, s)
		next, _, err := s.Apply(ctx, book.Edit{Ops: []book.Op{book.Restructure{Change: c}}})
		if err != nil {
			continue
		}
		if s = next; round%3 == 1 {
			continue
		}
		fresh, did, err := s.Refresh(ctx, at, book.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		whole, every, err := s.Calculate(ctx, nil, at)
		if err != nil {
			t.Fatal(err)
		}
		if did != nil {
			run, all = run+did.Calculated, all+every.Calculated
		}
		if d := differences(ctx, fresh, whole); d != "" {
			t.Fatalf("%+v, with what was disturbed calculated | with everything:\n%s", s.Moves(), d)
		}
		s = fresh
	}
	t.Logf("%d of %d formulas were calculated", run, all)
}

// differences tells the cells of which two states of a workbook have other values.
func differences(ctx context.Context, a, b *book.Snapshot) string {
	var out strings.Builder
	for i, info := range a.Workbook().Sheets {
		x, err := a.Sheet(ctx, i)
		if err != nil {
			continue
		}
		y, err := b.Sheet(ctx, i)
		if err != nil {
			continue
		}
		for p, q := range grid.Diff(x, y, nil) {
			if p.Value != q.Value && out.Len() < 2000 {
				fmt.Fprintf(&out, "%s!%v%v: %v | %v =%s\n", info.Name, p.Ref, q.Ref, p.Value, q.Value, book.FormulaText(y, q))
			}
		}
	}
	return out.String()
}
