package book

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Source reads one revision of a workbook. Its methods may be called from any number
// of goroutines at once; each sheet is read once however many ask for it, and a caller
// whose ctx ends gets ctx's error at once while the others go on waiting.
type Source interface {
	// Workbook gives what is known without reading any sheet.
	Workbook() *grid.Workbook
	// Sheet gives sheet i, complete down to row lastRow at least; cell.MaxRows-1 asks
	// for all of it. A sheet that is no worksheet is empty.
	Sheet(ctx context.Context, i, lastRow int) (*grid.Sheet, error)
	// Rows gives sheet i with row 0 and the rows from firstRow to lastRow at least, by the
	// quickest way there is: see grid.Sheet.FirstLoadedRow. A page of it has of the layout
	// only what stands before the cells, which is columns and views.
	Rows(ctx context.Context, i, firstRow, lastRow int) (*grid.Sheet, error)
	// Tables gives the tables of all sheets, by sheet and then in file order.
	Tables(ctx context.Context) ([]grid.Table, error)
}

// MacroSource is what a Source also is if its workbooks may have a VBA project.
type MacroSource interface {
	// Macros gives the stored bytes of the VBA project, nil where there is none.
	Macros(ctx context.Context) ([]byte, error)
}

// Snapshot is one immutable state of a workbook.
type Snapshot struct {
	// ID is the workbook's id, Revision names the bytes of the base file.
	ID       string
	Revision string
	// Version counts the commits on this line; the base file is version 0.
	Version uint64

	src    Source
	byName map[string]int

	// What the edits since the base file left. Older versions share it as far as it goes.
	book    *grid.Workbook // nil as long as it is the source's
	sheets  []editedSheet  // by index
	tables  *tableStates   // nil as long as they are the source's
	objects *objectStates  // the same
	stale   bool
	decided bool        // whether formulas are arrays may have been decided by other names than there are
	whole   bool        // all formulas were calculated once, and not given values since
	given   bool        // see Given
	styles  *styleMemo  // of the whole line and its forks
	models  *models     // the same
	opens   *opening    // how a file without values is opened for this line; nil: as for whoever reads it first
	stored  bool        // sheets are given as the file has them
	before  *Snapshot   // the last version that was calculated, if this one is stale; nil: every formula is to be
	since   []calc.Cell // cells that edits have made different since then, also those that became again what they were
	// What structural changes have done since then to what formulas read; nil where there were none.
	disturbed *disturbance
	model     *calc.Model // of the formulas as they are here; nil where they were not needed yet
	doubt     *doubt      // nil where nothing is stale
	most      int64       // see Within
}

// editedSheet is a sheet that is no more as the source has it.
type editedSheet struct {
	index int
	sheet *grid.Sheet
	base  *grid.Sheet // as the source has it
}

// NewSnapshot is the snapshot of an unedited file.
func NewSnapshot(id, revision string, src Source) *Snapshot {
	return &Snapshot{ID: id, Revision: revision, src: src, byName: byName(src.Workbook()), styles: new(styleMemo), models: new(models)}
}

// Within gives s with a bound for what one calculation of it may take beside the workbook, in bytes, where its caller gives
// none; 0: any number. What is made of s has it, too.
func (s *Snapshot) Within(most int64) *Snapshot {
	t := *s
	t.most = most
	return &t
}

// byName gives the indices of sheets by their folded names, plus 1.
func byName(book *grid.Workbook) map[string]int {
	m := make(map[string]int, len(book.Sheets))
	for i, info := range book.Sheets {
		if key := FoldName(info.Name); m[key] == 0 {
			m[key] = i + 1
		}
	}
	return m
}

// FoldName gives the form in which sheet, table and defined names are compared, which
// ignores case as Excel does.
func FoldName(name string) string { return strings.ToLower(name) }

// Workbook gives the styles, names and sheet list.
func (s *Snapshot) Workbook() *grid.Workbook {
	if s.book != nil {
		return s.book
	}
	return s.src.Workbook()
}

// edited gives sheet i if it was edited, else nil.
func (s *Snapshot) edited(i int) *grid.Sheet {
	e, _ := s.editedSheet(i)
	return e.sheet
}

func (s *Snapshot) editedSheet(i int) (editedSheet, bool) {
	n, ok := slices.BinarySearchFunc(s.sheets, i, func(e editedSheet, i int) int { return e.index - i })
	if !ok {
		return editedSheet{}, false
	}
	return s.sheets[n], true
}

// Stale reports whether the value of some formula may no longer be what it says: since the
// last calculation a value or a formula was edited, and the workbook has formulas. Where
// sheets were not read yet, they count as having some.
func (s *Snapshot) Stale() bool { return s.stale }

// Calculated gives the same version with sheets in which formulas have other values, by the
// index of the sheet, and nothing stale: what a calculation publishes. Each must have been made
// from the sheet of s by changes of the kind grid.SetValue. An error is that of ctx or of the
// Source, which is asked for the sheets that were not edited before.
func (s *Snapshot) Calculated(ctx context.Context, sheets map[int]*grid.Sheet) (*Snapshot, error) {
	d := &draft{base: s, next: *s, was: map[int]*grid.Sheet{}}
	for i, sheet := range sheets {
		was, err := s.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		d.put(i, was, sheet)
	}
	next := d.next
	next.settle()
	return &next, nil
}

// OwnBytes is about what s keeps alive besides the sheets of its source: what its edits cost.
// It goes over the bands of the edited sheets, not over their cells.
func (s *Snapshot) OwnBytes() int64 { return s.BytesOver(nil) }

// BytesOver is about what s keeps alive besides what old does, another version of the same
// line, and their source: what one version more costs. Nil is the source alone.
func (s *Snapshot) BytesOver(old *Snapshot) int64 {
	n := int64(snapshotBytes)
	book := (*grid.Workbook)(nil)
	if old != nil {
		book = old.book
	}
	for _, e := range s.sheets {
		was := e.base
		if old != nil {
			if sheet := old.edited(e.index); sheet != nil {
				was = sheet
			}
		}
		if e.sheet != was {
			n += e.sheet.MemoryOver(was)
		}
	}
	if m := s.moved(); m != nil && (old == nil || old.src != s.src) {
		n += m.bytes.Load()
	}
	if s.model != nil && (old == nil || old.model != s.model) {
		m := s.model.Bytes()
		if base, ok := s.models.base.Peek(); ok && base == s.model {
			m = 0 // the source's, which all versions share
		}
		if old != nil && old.model != nil && s.model.Derived() && old.model.Derived() {
			m = max(m-old.model.Bytes(), 0)
		}
		n += m
	}
	n += s.objectBytes(old)
	if s.book != nil && s.book != book {
		n += bookBytes(s.book, cmp.Or(book, s.src.Workbook()))
	}
	return n
}

// bookBytes is about what a workbook keeps alive besides what another one does.
func bookBytes(wb, other *grid.Workbook) (n int64) {
	if wb.Styles != nil && wb.Styles != other.Styles {
		n += int64(xfBytes * len(wb.Styles.Xfs))
	}
	if len(wb.Names) > 0 && (len(other.Names) == 0 || &wb.Names[0] != &other.Names[0]) {
		n += int64(nameBytes * len(wb.Names))
	}
	return n
}

// ModelBytes is about what the compiled formulas of the source keep alive, with the indexes that
// calculations of its versions left for one another, which all versions of it share: 0 as long as
// nobody has calculated.
func (s *Snapshot) ModelBytes() int64 {
	if m, ok := s.models.base.Peek(); ok {
		return m.Bytes() + m.IndexBytes()
	}
	return 0
}

// IndexBytes is the part of ModelBytes that the indexes take.
func (s *Snapshot) IndexBytes() int64 {
	if m, ok := s.models.base.Peek(); ok {
		return m.IndexBytes()
	}
	return 0
}

// The sizes of a Snapshot with its list of sheets, of a style, and of a defined name in a list, in bytes.
const (
	snapshotBytes = 256
	xfBytes       = 128
	nameBytes     = 72
)

// SheetIndex finds a sheet by its name, ignoring case.
func (s *Snapshot) SheetIndex(name string) (int, bool) {
	i := s.byName[FoldName(name)]
	return i - 1, i > 0
}

// Sheet gives the whole of sheet i, reading it if it was not yet.
func (s *Snapshot) Sheet(ctx context.Context, i int) (*grid.Sheet, error) {
	return s.SheetTo(ctx, i, cell.MaxRows-1)
}

// SheetTo gives sheet i, complete down to row lastRow at least, as soon as that much
// of it is read. Where the file has no values of its formulas, it is the whole sheet, calculated.
func (s *Snapshot) SheetTo(ctx context.Context, i, lastRow int) (*grid.Sheet, error) {
	if sheet := s.edited(i); sheet != nil {
		return sheet, nil
	}
	return s.valued(ctx, i, func() (*grid.Sheet, error) { return s.src.Sheet(ctx, i, lastRow) })
}

// Rows gives sheet i with row 0 and the rows from firstRow to lastRow at least: it may be
// a page that is read for this call alone. Only columns and views of its layout are sure to be there.
func (s *Snapshot) Rows(ctx context.Context, i, firstRow, lastRow int) (*grid.Sheet, error) {
	if sheet := s.edited(i); sheet != nil {
		return sheet, nil
	}
	return s.valued(ctx, i, func() (*grid.Sheet, error) { return s.src.Rows(ctx, i, firstRow, lastRow) })
}

// Macros gives the VBA project as it is stored (see package vba), nil where the workbook
// has none.
func (s *Snapshot) Macros(ctx context.Context) ([]byte, error) {
	if m, ok := s.src.(MacroSource); ok {
		return m.Macros(ctx)
	}
	return nil, nil
}

// FormulaText gives the formula of a cell as its own cell would show it, which is what people
// type: without "=", and without what only files write (see formula.Display). The text of a
// shared formula is shifted to the cell, and a cell that an array formula fills has that. It is
// "" for a cell without one.
func FormulaText(sheet *grid.Sheet, c grid.Cell) string {
	return formula.Display(StoredFormula(sheet, c))
}

// StoredFormula is FormulaText in the form that files have, in which formulas are kept and
// compared.
func StoredFormula(sheet *grid.Sheet, c grid.Cell) string {
	if !c.HasFormula() {
		for f := range sheet.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			return f.Text
		}
		return ""
	}
	f := sheet.Formula(c)
	if f.Kind != grid.SharedFormula || f.Anchor == c.Ref {
		return f.Text
	}
	text, err := formula.ShiftText(f.Text, f.Anchor, c.Ref)
	if err != nil {
		// The text is not one that we can parse; the anchor's own is the best there is.
		return f.Text
	}
	return text
}
