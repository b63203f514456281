package patch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
	"gridflow/internal/xlsx/xmltext"
)

// maxPending bounds what of a sheet is held while its next element is not whole.
const maxPending = 16 << 20

// sheet makes the new stream of a sheet's part.
func (s *saver) sheet(sp *SheetPatch) error {
	info := &s.f.Workbook().Sheets[sp.Sheet]
	if err := s.validate(info.Part, sp.Cells); err != nil {
		return err
	}
	// The sheet says which cells are part of an array, which its XML at the cell does not;
	// to load it also makes its index.
	loaded, err := s.f.Sheet(s.ctx, sp.Sheet, cell.MaxRows-1)
	if err != nil {
		return err
	}
	part, stream, locate, err := s.f.SheetStream(sp.Sheet)
	if err != nil {
		return err
	}
	if part == nil {
		return invalid(info.Part, "the sheet %.64q is of a kind that has no cells", info.Name)
	}
	if err := wholeArrays(part, loaded, sp.Cells); err != nil {
		return err
	}
	var view []splice.Edit
	if t := s.tails[sp.Sheet]; t != nil {
		delete(s.tails, sp.Sheet)
		t.finishTables()
		view = t.edits()
	}
	on, lined := s.lines[sp.Sheet]
	if lined {
		delete(s.lines, sp.Sheet)
		lines, err := s.gridlines(part, stream, on)
		if err != nil {
			return err
		}
		view = append(lines, view...)
	}
	if len(sp.Cells) == 0 && sp.Layout == nil && s.documents[part] == nil {
		orderBehind(view)
		return s.splice(part, stream, view)
	}
	refs := make([]cell.Ref, len(sp.Cells))
	for i := range sp.Cells {
		refs[i] = sp.Cells[i].Ref
	}
	l := scan.NewLocator(refs, func(i int) bool { return sp.Cells[i].Remove || sp.Cells[i].Keep == KeepNothing })
	if sp.Layout != nil {
		l.AddRows(rowList(sp.Layout.Rows))
	}
	l.Ascending = locate != nil || len(l.Rows) == 0
	l.ToEnd = sp.Layout.behind()
	r := stream.ReaderAt(0)
	defer r.Close()
	err = find(s.ctx, r, l, locate)
	e := sheetEditor{s: s, part: part, cells: sp.Cells, l: l}
	if sp.Layout != nil && sp.Layout.Rows != nil {
		e.rows = *sp.Layout.Rows
	}
	if errors.Is(err, errNotUTF8) {
		// Then there is no XML to be patched in place: the part is written anew.
		d, err := s.document(part)
		if err != nil {
			return err
		}
		if _, err := l.Feed(d.text, true); err != nil {
			return s.failed(part, err)
		}
		if d.edits, err = e.edits(); err != nil {
			return err
		}
		if sp.Layout != nil {
			if err := e.arrange(d.text[:l.Data.From], sp.Layout); err != nil {
				return err
			}
			if l.ToEnd {
				if err := e.arrangeBehind(d.text[l.DataEnd:], loaded, sp.Layout); err != nil {
					return err
				}
			}
			d.edits = e.list
		}
		d.edits = append(d.edits, view...)
		orderBehind(d.edits)
		s.save(d)
		return nil
	}
	if err != nil {
		return s.failed(part, err)
	}
	edits, err := e.edits()
	if err != nil {
		return err
	}
	edits = append(edits, view...)
	if sp.Layout != nil {
		head, err := s.readHead(stream, l.Data.From)
		if err != nil {
			return s.failed(part, err)
		}
		e.list = nil
		if err := e.arrange(head, sp.Layout); err != nil {
			return err
		}
		if l.ToEnd {
			tail, err := s.readTail(part, stream, l.DataEnd)
			if err != nil {
				return err
			}
			if err := e.arrangeBehind(tail, loaded, sp.Layout); err != nil {
				return err
			}
		}
		edits = append(edits, e.list...)
	}
	orderBehind(edits)
	return s.splice(part, stream, edits)
}

// failed gives an error of looking through a part or of splicing it its type.
func (s *saver) failed(part *xlsx.Part, err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	var fault *scan.Error
	if errors.As(err, &fault) {
		return broken(part, fault.Offset, fault.Message)
	}
	return xlsx.SpliceFailed(part, err)
}

// validate refuses what no file can hold.
func (s *saver) validate(part string, cells []CellPatch) error {
	for i := range cells {
		c := &cells[i]
		if !c.Ref.Valid() {
			return invalid(part, "row %d, column %d (counted from 0) is outside of a worksheet", c.Ref.Row, c.Ref.Col)
		}
		if i > 0 {
			if p := cells[i-1].Ref; p.Row > c.Ref.Row || p.Row == c.Ref.Row && p.Col >= c.Ref.Col {
				return invalid(part, "cell %v comes after %v: cells must be in row order, each once", c.Ref, p)
			}
		}
		if c.Remove || c.Keep == KeepContent {
			continue
		}
		if err := emit.Check(c.Value); err != nil {
			return invalid(part, "cell %v: %v", c.Ref, err)
		}
		if c.HasFormula && c.Keep == KeepNothing {
			err := emit.CheckFormula(c.Formula)
			if err != nil {
				err = emit.CheckFormula(formula.Display(c.Formula)) // storage prefixes do not count
			}
			if err != nil {
				return invalid(part, "cell %v: %v", c.Ref, err)
			}
		}
	}
	return nil
}

// wholeArrays refuses edits of a part of an array formula or what-if table: its cells go
// together or not at all. A dynamic array goes with its own cell, which alone says that it is
// one: what it filled are values like others then, of which some may stay.
func wholeArrays(part *xlsx.Part, loaded *grid.Sheet, cells []CellPatch) error {
	some := false
	for range loaded.Arrays(cell.WholeSheet) {
		some = true
		break
	}
	if !some {
		return nil
	}
	counts := make(map[cell.Range]int64)
	at := make(map[cell.Range]cell.Ref)
	ended := make(map[cell.Range]bool)
	for i := range cells {
		c := &cells[i]
		if !c.Remove && c.Keep != KeepNothing {
			continue
		}
		for a := range loaded.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			if counts[a.Range]++; counts[a.Range] == 1 {
				at[a.Range] = c.Ref
			}
			if a.Kind == grid.DynamicArray && a.Anchor == c.Ref {
				ended[a.Range] = true
			}
		}
	}
	for r, n := range counts {
		if n < r.Cells() && !ended[r] {
			return &xlsx.Error{Code: xlsx.ArrayPart, Part: part.Name, Offset: -1,
				Message: "cell " + at[r].String() + " is part of an array formula or what-if table in " + r.String() + ", which can only be changed as a whole",
				Hint:    "Change all of " + r.String() + " at once, or clear it first."}
		}
	}
	return nil
}

var errNotUTF8 = errors.New("the part is not in UTF-8")

// find feeds the locator what it needs of a sheet: all of it, or by the index the stretches
// in which the cells lie.
func find(ctx context.Context, r *splice.Reader, l *scan.Locator, locate func(row int) (int, int64)) error {
	var buf []byte // what is not used up, followed by the next chunk
	skip := int64(0)
	first := true
	for !l.Done() {
		if row, ok := l.Next(); ok && locate != nil && l.HeadDone() {
			if above, offset := locate(row); offset > l.Offset() {
				r.MoveTo(offset)
				l.Jump(above, offset)
				buf, skip = buf[:0], offset-r.Offset()
			}
		}
		chunk, err := r.Next(ctx)
		if err == io.EOF {
			_, err := l.Feed(buf, true)
			return err
		}
		if err != nil {
			return err
		}
		if first && !xmltext.IsUTF8(chunk[:min(len(chunk), 256)]) {
			return errNotUTF8
		}
		first = false
		// A chunk that ends before the place to begin at is passed over.
		k := min(skip, int64(len(chunk)))
		chunk, skip = chunk[k:], skip-k
		if skip > 0 {
			continue
		}
		w := chunk
		if len(buf) > 0 {
			buf = append(buf, chunk...)
			w = buf
		}
		n, err := l.Feed(w, false)
		if err != nil {
			return err
		}
		if len(w)-n > maxPending {
			return &scan.Error{Offset: l.Offset(), Message: "one element is longer than 16 MiB"}
		}
		buf = append(buf[:0], w[n:]...)
	}
	return nil
}

// sheetEditor turns what a locator found into edits.
type sheetEditor struct {
	s     *saver
	part  *xlsx.Part
	cells []CellPatch
	rows  []grid.RowSpan // what some rows are
	l     *scan.Locator
	heirs map[int][]byte // by cell: its formula element, where it becomes a master
	root  []byte         // the root's start tag, where the layout changes
	list  []splice.Edit

	copies  formula.Copies[bool] // whether formulas spill
	room    []byte               // for elements of cells, which stand one behind the other
	formula []byte               // the formula element of the cell that is being made
	spans   []byte               // what the spans of the row above became
}

func (e *sheetEditor) edit(from, to int64, with []byte) {
	e.list = append(e.list, splice.Edit{From: from, To: to, New: with})
}

func (e *sheetEditor) edits() ([]splice.Edit, error) {
	if err := e.inherit(); err != nil {
		return nil, err
	}
	e.list = slices.Grow(e.list, len(e.cells)+len(e.l.Rows)) // a cell each, and the spans of its row
	used, grown := e.dimension(), false
	opened := []byte(nil) // what goes into an empty sheetData
	next := 0
	for i := range e.l.Rows {
		row := &e.l.Rows[i]
		var inside []byte // the cells of a row that is empty or not there
		first, last := cell.MaxCols, -1
		for ; next < len(e.cells) && e.cells[next].Ref.Row == row.Row; next++ {
			c, spot := &e.cells[next], &e.l.Cells[next]
			if spot.Found {
				if err := e.change(next); err != nil {
					return nil, err
				}
				continue
			}
			if c.Remove {
				continue
			}
			xml, err := e.fresh(c, nil, nil)
			if err != nil {
				return nil, err
			}
			e.s.formulas = e.s.formulas || c.HasFormula && c.Keep == KeepNothing
			used, grown = used.Union(cell.Range{First: c.Ref, Last: c.Ref}), grown || !used.Contains(c.Ref)
			first, last = min(first, c.Ref.Col), max(last, c.Ref.Col)
			if row.Found && !row.Empty {
				e.edit(spot.At, spot.At, xml)
			} else {
				inside = append(inside, xml...)
			}
		}
		is, sized := e.rowIs(row.Row)
		if row.Found && sized {
			e.sizeRow(row, is)
		}
		if last < 0 && (row.Found || !sized || rowAttributes(is) == rowAttributes(grid.RowSpan{})) {
			continue
		}
		if row.Found {
			e.widen(row, first, last)
			if row.Empty {
				e.open(row.To, inside, "row")
			}
			continue
		}
		xml := e.rowTag(row.Row)
		if last < 0 {
			xml = append(xml, "/>"...)
		} else {
			xml = append(append(append(xml, '>'), inside...), "</"+e.l.Prefix+"row>"...)
		}
		if e.l.DataEmpty {
			opened = append(opened, xml...)
		} else {
			e.edit(row.At, row.At, xml)
		}
	}
	if len(opened) > 0 {
		e.open(e.l.Data.To, opened, "sheetData")
	}
	if grown && e.l.DimTag != nil {
		for _, a := range scan.Attributes(e.l.DimTag) {
			if _, ok := cell.ParseRange(string(a.Value)); string(a.Name) == "ref" && ok {
				e.edit(e.l.Dimension.From+int64(a.From), e.l.Dimension.From+int64(a.To), []byte(corners(used)))
			}
		}
	}
	order(e.list)
	return e.list, nil
}

// corners writes a range as ref attributes have it, which knows no whole rows and columns.
func corners(r cell.Range) string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + ":" + r.Last.String()
}

// dimension gives what the sheet says to be used.
func (e *sheetEditor) dimension() cell.Range {
	used, ok := cell.ParseRange(string(attribute(e.l.DimTag, "ref")))
	if !ok && len(e.cells) > 0 {
		used = cell.Range{First: e.cells[0].Ref, Last: e.cells[0].Ref}
	}
	return used
}

// open makes an empty-element tag that ends at offset one with content.
func (e *sheetEditor) open(offset int64, content []byte, name string) {
	xml := append([]byte(">"), content...)
	xml = append(xml, "</"+e.l.Prefix+name+">"...)
	e.edit(offset-2, offset, xml)
}

// widen makes a row's spans attribute cover new columns. A row without one needs none.
func (e *sheetEditor) widen(row *scan.RowSpot, first, last int) {
	for _, a := range scan.Attributes(row.Tag) {
		if string(a.Name) != "spans" {
			continue
		}
		lo, hi := cell.MaxCols, 0
		for _, span := range strings.Fields(string(a.Value)) {
			from, to, ok := strings.Cut(span, ":")
			m, err1 := strconv.Atoi(from)
			n, err2 := strconv.Atoi(to)
			if !ok || err1 != nil || err2 != nil {
				return // it says nothing that could become wrong
			}
			if m <= first+1 && last+1 <= n {
				return
			}
			lo, hi = min(lo, m), max(hi, n)
		}
		lo, hi = min(lo, first+1), max(hi, last+1)
		var buf [2*20 + 1]byte
		is := strconv.AppendInt(append(strconv.AppendInt(buf[:0], int64(lo), 10), ':'), int64(hi), 10)
		if !bytes.Equal(is, e.spans) {
			e.spans = bytes.Clone(is)
		}
		e.edit(row.From+int64(a.From), row.From+int64(a.To), e.spans)
	}
}
