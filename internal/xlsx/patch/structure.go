package patch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/splice"
	"gridflow/internal/xlsx/xmltext"
)

// Structure changes are applied before everything else. Each run of them gives another workbook, which lies in the old file where
// nothing changed and else in memory (assembly.go), and what else a patch says is then applied to the last one. One run
// is one pass over the parts, whatever the number of its changes; only a movement of cells is a run of its own.
//
// What becomes of references, package structure says; here is where in a package they stand: formulas of cells and what stands
// around the cells (movesheet.go, moveformula.go, moverefs.go), tables (movetable.go), drawings, comments, charts and pivot
// tables (moveparts.go), the workbook's part with its names, and which parts belong to no sheet any more (movebook.go).

// restructured gives the workbook after structure changes.
func restructured(ctx context.Context, f *xlsx.File, changes []structure.Change, plain bool) (*xlsx.File, Report, error) {
	var total Report
	for len(changes) > 0 {
		n := 1
		for changes[0].Kind != structure.MoveCells && n < len(changes) && changes[n].Kind != structure.MoveCells {
			n++
		}
		s := newSaver(ctx, f, plain)
		if err := s.restructure(changes[:n]); err != nil {
			return nil, total, err
		}
		var err error
		if f, err = s.assembled(); err != nil {
			return nil, total, err
		}
		total.add(s.report)
		if len(s.headers) > 0 {
			s, p := newSaver(ctx, f, plain), Patch{Sheets: s.headerCells(f)}
			if err := s.change(&p); err != nil {
				return nil, total, err
			}
			if f, err = s.assembled(); err != nil {
				return nil, total, err
			}
			total.add(s.report)
		}
		changes = changes[n:]
	}
	return f, total, nil
}

func newSaver(ctx context.Context, f *xlsx.File, plain bool) *saver {
	return &saver{ctx: ctx, f: f, pkg: f.Package(), plain: plain, changes: make(map[*xlsx.Part]*splice.Result), documents: make(map[*xlsx.Part]*document)}
}

// assembled gives the changed workbook without writing it.
func (s *saver) assembled() (*xlsx.File, error) {
	a := &assembly{}
	if err := s.pkg.Rewrite(s.ctx, a, s.changes, s.added...); err != nil {
		return nil, err
	}
	return xlsx.Open(s.ctx, a, a.size, s.pkg.Limits())
}

// add makes r the report of both, of which o came after.
func (r *Report) add(o Report) {
	r.Bytes = o.Bytes
	for _, name := range o.Parts {
		if !slices.Contains(r.Parts, name) && !slices.Contains(r.Added, name) {
			r.Parts = append(r.Parts, name)
		}
	}
	for _, name := range o.Dropped {
		if i := slices.Index(r.Added, name); i >= 0 {
			r.Added = slices.Delete(r.Added, i, i+1)
			continue
		}
		r.Parts = slices.DeleteFunc(r.Parts, func(s string) bool { return s == name })
		r.Dropped = append(r.Dropped, name)
	}
	r.Added = append(r.Added, o.Added...)
	for _, w := range o.Warnings {
		if !slices.Contains(r.Warnings, w) {
			r.Warnings = append(r.Warnings, w)
		}
	}
}

// header is a cell that a new column of a table needs.
type header struct {
	sheet string // afterwards
	at    cell.Ref
	name  string
}

// headerCells gives what puts the new headers into their cells.
func (s *saver) headerCells(f *xlsx.File) []SheetPatch {
	var list []SheetPatch
	slices.SortFunc(s.headers, func(a, b header) int { return compareCells(a.at, b.at) })
	for i := range f.Workbook().Sheets {
		p := SheetPatch{Sheet: i}
		for _, h := range s.headers {
			if strings.EqualFold(h.sheet, f.Workbook().Sheets[i].Name) {
				p.Cells = append(p.Cells, CellPatch{Ref: h.at, Value: cell.TextValue(h.name)})
			}
		}
		if len(p.Cells) > 0 {
			list = append(list, p)
		}
	}
	return list
}

func compareCells(a, b cell.Ref) int {
	if a.Row != b.Row {
		return a.Row - b.Row
	}
	return a.Col - b.Col
}

// restructure makes the changes of one run.
func (s *saver) restructure(changes []structure.Change) error {
	if s.pkg.Signed() {
		s.warn("SIGNATURE_INVALID", "the workbook has a digital signature, which is not valid for the saved file")
	}
	c, err := s.plot(changes)
	if err != nil {
		return err
	}
	if err := s.pickUp(c); err != nil {
		return err
	}
	if err := s.moveTables(c); err != nil {
		return err
	}
	for i := range s.f.Workbook().Sheets {
		if name := s.f.Workbook().Sheets[i].Name; s.kept(c, name) {
			if err := s.moveParts(c, i); err != nil {
				return err
			}
			if err := s.moveSheet(c, i); err != nil {
				return err
			}
		}
	}
	if err := s.moveShared(c); err != nil {
		return err
	}
	if err := s.moveBook(c); err != nil {
		return err
	}
	if !c.renames() {
		if err := s.dropCalcChain(); err != nil {
			return err
		}
	}
	if err := s.dropCaches(); err != nil {
		return err
	}
	if err := s.dropUnreached(); err != nil {
		return err
	}
	for _, d := range s.edited {
		if _, dropped := s.changes[d.part]; dropped && s.changes[d.part] == nil {
			continue
		}
		if err := s.stream(d); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) kept(c *course, name string) bool {
	_, ok := c.sheet(name)
	return ok
}

// moveSheet makes the new stream of a sheet's part.
func (s *saver) moveSheet(c *course, i int) error {
	info := &s.f.Workbook().Sheets[i]
	part, stream, _, err := s.f.SheetStream(i)
	if part == nil || err != nil {
		return err
	}
	if s.plain {
		stream.Map = nil
	}
	numbers := -1 // how many the shared formulas use, once it has been gone through
	rewrite := c.moves(info.Name)
	if !rewrite && !s.mayRefer(stream) {
		return nil
	}
	for {
		f := newSheetFilter(c, info.Name)
		f.refs.goneParts = s.goneParts[part]
		if numbers >= 0 {
			f.numbers, f.counted = numbers, true
		}
		f.receives(s)
		var res *splice.Result
		if rewrite {
			res, err = splice.Make(s.ctx, stream.Stored, func(w io.Writer) error {
				f.stream = w
				return s.walk(part, stream, f)
			})
		} else {
			err = s.walk(part, stream, f)
		}
		switch {
		case errors.Is(err, errNumbers) && numbers < 0:
			first := newSheetFilter(c, info.Name)
			first.collects = true
			if err := s.walk(part, stream, first); err != nil {
				return s.failed(part, err)
			}
			numbers = first.numbers
			continue
		case errors.Is(err, errScattered) && !rewrite:
			rewrite = true
			continue
		case err != nil:
			return s.failed(part, err)
		case res != nil:
			s.changes[part] = res
			s.report.Parts = append(s.report.Parts, part.Name)
			return nil
		}
		if d := s.documents[part]; d != nil { // it is not in UTF-8
			d.edits = append(d.edits, f.edits...)
			s.save(d)
			return nil
		}
		return s.splice(part, stream, f.edits)
	}
}

// mayRefer reports whether a sheet's part may have a formula that refers to another sheet, or to a table: most that have none
// have none of the characters that such a one needs, and there is no need to look at their cells.
func (s *saver) mayRefer(stream *splice.Stream) bool {
	r := stream.ReaderAt(0)
	defer r.Close()
	last := byte(0)
	for first := true; ; first = false {
		chunk, err := r.Next(s.ctx)
		if err == io.EOF {
			return false
		}
		if err != nil || first && !xmltext.IsUTF8(chunk[:min(len(chunk), 256)]) {
			return true // who walks through it, finds out
		}
		if bytes.IndexByte(chunk, '!') >= 0 || bytes.IndexByte(chunk, '[') >= 0 ||
			bytes.Contains(chunk, []byte("&#")) || len(chunk) > 0 && last == '&' && chunk[0] == '#' {
			return true
		}
		if len(chunk) > 0 {
			last = chunk[len(chunk)-1]
		}
	}
}

// walk has a filter see a sheet's part.
func (s *saver) walk(part *xlsx.Part, stream *splice.Stream, f *sheetFilter) error {
	r := stream.ReaderAt(0)
	defer r.Close()
	var buf []byte // what is not used up, followed by the next chunk
	for first := true; ; first = false {
		chunk, err := r.Next(s.ctx)
		if err == io.EOF {
			_, err := f.w.Feed(buf, true)
			return err
		}
		if err != nil {
			return err
		}
		if first && !xmltext.IsUTF8(chunk[:min(len(chunk), 256)]) {
			return s.walkConverted(part, f)
		}
		w := chunk
		if len(buf) > 0 {
			buf = append(buf, chunk...)
			w = buf
		}
		n, err := f.w.Feed(w, false)
		if err != nil {
			return err
		}
		if len(w)-n > maxPending {
			return broken(part, f.w.Offset(), "one element is longer than 16 MiB")
		}
		buf = append(buf[:0], w[n:]...)
	}
}

// walkConverted is walk for a part that is not in UTF-8. A new stream of it is.
func (s *saver) walkConverted(part *xlsx.Part, f *sheetFilter) error {
	d, err := s.document(part)
	if err != nil {
		return err
	}
	text := d.text
	if at := declaredEncoding(text); f.stream != nil && at[1] > at[0] {
		text = slices.Concat(text[:at[0]], []byte("UTF-8"), text[at[1]:])
	}
	_, err = f.w.Feed(text, true)
	return err
}
