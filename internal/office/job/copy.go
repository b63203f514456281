package job

import (
	"context"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/patch"
)

// flatMax is the number of formulas up to which a copy gets values in their place. A workbook
// with more would take hundreds of megabytes for it: LibreOffice calculates it.
const flatMax = 500_000

// overlaid gives p with more cells of a sheet changed; of two changes of a cell that of extra
// counts. p itself stays as it is.
func overlaid(p patch.Patch, sheet int, extra []patch.CellPatch) patch.Patch {
	if len(extra) == 0 {
		return p
	}
	slices.SortStableFunc(extra, byRef)
	k := slices.IndexFunc(p.Sheets, func(s patch.SheetPatch) bool { return s.Sheet == sheet })
	p.Sheets = slices.Clone(p.Sheets)
	if k < 0 {
		p.Sheets = append(p.Sheets, patch.SheetPatch{Sheet: sheet, Cells: extra})
		return p
	}
	was := p.Sheets[k].Cells
	all := make([]patch.CellPatch, 0, len(was)+len(extra))
	for len(was)+len(extra) > 0 {
		switch {
		case len(extra) == 0:
			all, was = append(all, was...), nil
		case len(was) == 0:
			all, extra = append(all, extra...), nil
		default:
			switch c := byRef(was[0], extra[0]); {
			case c < 0:
				all, was = append(all, was[0]), was[1:]
			case c > 0:
				all, extra = append(all, extra[0]), extra[1:]
			default:
				all, was, extra = append(all, extra[0]), was[1:], extra[1:]
			}
		}
	}
	p.Sheets[k].Cells = all
	return p
}

func byRef(a, b patch.CellPatch) int {
	return a.Ref.Compare(b.Ref)
}

// valueOf is a value as a file can have it: no program but ours has an error for what depends
// on itself, and Excel keeps a zero there.
func valueOf(v cell.Value) cell.Value {
	if v.Err() == cell.ErrCirc {
		return cell.NumberValue(0)
	}
	return v
}

// flat gives the patch of a copy that has values in place of formulas, as far as it is seen. Of a sheet in only the
// cells outside of the range go, and sheets that are not in it are left as they are; a nil only is
// all of everything. Where there are too many formulas they stay, and flat is false.
func (d *Document) flat(ctx context.Context, only map[int]cell.Range, shown seen) (p patch.Patch, flat bool, err error) {
	p = d.Patch
	sheets, formulas := map[int]*grid.Sheet{}, 0
	for i, info := range d.Snapshot.Workbook().Sheets {
		if _, wanted := only[i]; info.Kind != grid.Worksheet || info.Problem != "" || only != nil && !wanted || shown.hides(i) {
			continue // what cannot be read here is LibreOffice's to read
		}
		sheet, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return p, false, err
		}
		sheets[i] = sheet
		for _, r := range shown.cells(i) {
			if r == cell.WholeSheet {
				formulas += sheet.FormulaCells()
				continue
			}
			for range book.Computed(sheet, r) {
				formulas++
			}
		}
	}
	if formulas > flatMax && only == nil {
		return p, false, nil
	}
	for i, sheet := range sheets {
		var extra []patch.CellPatch
		done := map[cell.Ref]bool{} // cells of arrays, which go together
		array := func(r cell.Range) {
			for row := r.First.Row; row <= r.Last.Row; row++ {
				for col := r.First.Col; col <= r.Last.Col; col++ {
					at := cell.Ref{Row: row, Col: col}
					if done[at] {
						continue
					}
					done[at] = true
					c, stored := sheet.At(at)
					extra = append(extra, patch.CellPatch{Ref: at, Remove: !stored, Value: valueOf(c.Value), HasValue: true, Style: c.Style})
				}
			}
		}
		file, err := d.File.Sheet(ctx, i, cell.MaxRows-1)
		if err != nil {
			return p, false, err
		}
		for _, r := range shown.cells(i) {
			for f := range file.Arrays(r) {
				array(f.Range)
			}
			for f := range sheet.Arrays(r) {
				array(f.Range)
			}
			for c := range book.Computed(sheet, r) {
				if !done[c.Ref] {
					extra = append(extra, patch.CellPatch{Ref: c.Ref, Value: valueOf(c.Value), HasValue: true, Style: c.Style})
				}
			}
		}
		if area, ok := only[i]; ok {
			extra = slices.DeleteFunc(extra, func(c patch.CellPatch) bool { return !area.Contains(c.Ref) })
			for c := range sheet.Cells(cell.WholeSheet) {
				if !area.Contains(c.Ref) {
					extra = append(extra, patch.CellPatch{Ref: c.Ref, Remove: true})
				}
			}
			for f := range file.Arrays(cell.WholeSheet) { // of which there may be cells that the sheet has not
				for row := f.Range.First.Row; row <= f.Range.Last.Row; row++ {
					for col := f.Range.First.Col; col <= f.Range.Last.Col; col++ {
						at := cell.Ref{Row: row, Col: col}
						if _, stored := sheet.At(at); !stored && !area.Contains(at) {
							extra = append(extra, patch.CellPatch{Ref: at, Remove: true})
						}
					}
				}
			}
		}
		p = overlaid(p, i, extra)
	}
	return p, true, nil
}
