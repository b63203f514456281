package book

import (
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// Copier gives the edits that copy cells within a workbook: values, formulas, whose references move
// along, and formats. A cell of an array formula is copied as its value. It is made for one
// goroutine.
type Copier struct {
	looks looks
	trees map[string]*formula.Tree
}

// NewCopier gives a Copier for a snapshot.
func (s *Snapshot) NewCopier() *Copier {
	return &Copier{looks: looks{styles: s.Workbook().Styles}, trees: map[string]*formula.Tree{}}
}

// Cell gives the edit that makes of cell to of sheet onto what cell from of another, or the same, sheet
// is. A blank cell that is copied empties the other.
func (c *Copier) Cell(sheet *grid.Sheet, from cell.Ref, onto *grid.Sheet, to cell.Ref) CellEdit {
	e := CellEdit{Ref: to}
	x, stored := sheet.At(from)
	switch {
	case x.HasFormula() && !spilledInto(sheet, from):
		e.HasFormula, e.Formula = true, c.moved(StoredFormula(sheet, x), to.Row-from.Row, to.Col-from.Col)
	case x.Value.IsBlank():
		e.Clear = true
	default:
		e.Value = x.Value
	}
	is := x.Style
	if !stored {
		is = sheet.Layout.LineStyle(from)
	}
	if was := onto.StyleAt(to); was != is {
		e.look(c.looks.of(was), c.looks.of(is))
	}
	return e
}

// Formats gives what tells the format of one cell from that of another, in settings: from a to b.
func (c *Copier) Formats(a, b uint32) xf.Settings {
	if a == b {
		return nil
	}
	return xf.Difference(c.looks.of(a), c.looks.of(b))
}

// treesMax bounds the parsed formulas that a Copier keeps.
const treesMax = 1 << 12

func (c *Copier) moved(text string, dRow, dCol int) string {
	if dRow == 0 && dCol == 0 {
		return text
	}
	t, ok := c.trees[text]
	if !ok {
		t, _ = formula.Parse(text)
		if len(c.trees) >= treesMax {
			clear(c.trees)
		}
		c.trees[text] = t
	}
	if t == nil {
		return text // nobody can say what its references are
	}
	return t.Shift(dRow, dCol).String()
}
