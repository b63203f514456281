package structure

import (
	"slices"
	"strings"
	"unicode/utf16"

	"gridflow/internal/cell"
)

// Kind says what a [Change] does.
type Kind string

// The kinds.
const (
	InsertRows    Kind = "insert_rows"
	DeleteRows    Kind = "delete_rows"
	InsertColumns Kind = "insert_columns"
	DeleteColumns Kind = "delete_columns"
	MoveCells     Kind = "move_cells"
	AddSheet      Kind = "add_sheet"
	DeleteSheet   Kind = "delete_sheet"
	RenameSheet   Kind = "rename_sheet"
	MoveSheet     Kind = "move_sheet"
)

// Change is one structural change of a workbook. It is data with a stable JSON form, and says nothing of the state to
// which it will be applied.
type Change struct {
	Kind     Kind       `json:"kind"`
	Sheet    string     `json:"sheet"`              // its name before the change; of AddSheet, that of the new one
	At       int        `json:"at,omitempty"`       // the first row or column that is inserted or deleted, from 0
	Count    int        `json:"count,omitempty"`    // of rows or columns
	Range    cell.Range `json:"range,omitzero"`     // MoveCells: the cells that move
	To       cell.Ref   `json:"to,omitzero"`        // MoveCells: where the first of them goes
	ToSheet  string     `json:"to_sheet,omitempty"` // MoveCells: the sheet they go to, "" for the same
	Shift    bool       `json:"shift,omitempty"`    // MoveCells: they make room for cells, or close the gap that some leave: see Shifted
	Name     string     `json:"name,omitempty"`     // RenameSheet: the new name
	Position int        `json:"position,omitempty"` // AddSheet, MoveSheet: the sheet's index afterwards, from 0
}

// MaxSheetName is how long a sheet's name may be, in UTF-16 units, as Excel counts.
const MaxSheetName = 31

// Lines reports whether c inserts or deletes rows or columns: whether rows, whether it deletes, and
// ok whether it does at all.
func (c Change) Lines() (rows, deletes, ok bool) {
	switch c.Kind {
	case InsertRows:
		return true, false, true
	case DeleteRows:
		return true, true, true
	case InsertColumns:
		return false, false, true
	case DeleteColumns:
		return false, true, true
	}
	return false, false, false
}

// Target is the sheet that MoveCells moves to, by its name.
func (c Change) Target() string {
	if c.ToSheet == "" {
		return c.Sheet
	}
	return c.ToSheet
}

// Destination is the range that MoveCells moves to.
func (c Change) Destination() cell.Range {
	return cell.Range{First: c.To, Last: cell.Ref{Row: c.To.Row + c.Range.Rows() - 1, Col: c.To.Col + c.Range.Cols() - 1}}
}

// Shifted gives the insertion of cells, or their deletion: those below them, or to the right of them, go up or down, or left or right, to the end
// of the sheet. Inserted cells push the last ones of the sheet out of it, which have to be blank. It is false where those are fewer.
func Shifted(sheet string, cells cell.Range, rows, deletes bool) (Change, bool) {
	c := Change{Kind: MoveCells, Sheet: sheet, Range: cells, To: cells.First, Shift: true}
	first, last, to, size, count := &c.Range.First.Col, &c.Range.Last.Col, &c.To.Col, cell.MaxCols, cells.Cols()
	if rows {
		first, last, to, size, count = &c.Range.First.Row, &c.Range.Last.Row, &c.To.Row, cell.MaxRows, cells.Rows()
	}
	if deletes {
		*first, *last = *first+count, size-1
	} else {
		*to, *last = *to+count, size-1-count
	}
	return c, *last-*first+1 >= count
}

// shift checks that the cells go straight, and that all go up to the end of the sheet.
func (c Change) shift() error {
	down, right := c.To.Row-c.Range.First.Row, c.To.Col-c.Range.First.Col
	last := max(c.Range.Last.Row, c.Destination().Last.Row) == cell.MaxRows-1
	if right != 0 {
		last = max(c.Range.Last.Col, c.Destination().Last.Col) == cell.MaxCols-1
	}
	if (down == 0) == (right == 0) || !last || max(down, -down) > c.Range.Rows() || max(right, -right) > c.Range.Cols() || !strings.EqualFold(c.Sheet, c.Target()) {
		return refuse(OutOfBounds, "Let all cells up to the end of the sheet go up, down, left or right.", "moving %s to %s neither makes room nor closes a gap", c.Range, c.To)
	}
	return nil
}

// Check gives an [*Error] for what is known to be wrong with c in a workbook that has these sheets, in
// this order. What depends on the cells, [Contents.Check] says; whether a visible sheet is left, who knows which are hidden.
func (c Change) Check(sheets []string) error {
	if c.Kind == AddSheet {
		if err := CheckName(c.Sheet); err != nil {
			return err
		}
		if i := index(sheets, c.Sheet); i >= 0 {
			return taken(sheets[i])
		}
		return c.position(len(sheets))
	}
	at := index(sheets, c.Sheet)
	if at < 0 && slices.Contains(kinds, c.Kind) {
		return noSheet(c.Sheet)
	}
	switch c.Kind {
	case InsertRows, DeleteRows:
		return c.lines("row", cell.MaxRows)
	case InsertColumns, DeleteColumns:
		return c.lines("column", cell.MaxCols)
	case MoveCells:
		if c.ToSheet != "" && index(sheets, c.ToSheet) < 0 {
			return noSheet(c.ToSheet)
		}
		if !c.Range.First.Valid() || !c.Range.Last.Valid() || c.Range != cell.RangeOf(c.Range.First, c.Range.Last) {
			return refuse(OutOfBounds, "Give a range of the sheet.", "the range to move is not one of cells of a sheet")
		}
		if to := c.Destination(); !to.First.Valid() || !to.Last.Valid() {
			return refuse(OutOfBounds, "Move it less far, or move fewer cells.", "the %d rows and %d columns of %s do not fit on the sheet from %s on",
				c.Range.Rows(), c.Range.Cols(), c.Range, c.To)
		}
		if c.Shift {
			return c.shift()
		}
		return nil
	case DeleteSheet:
		if len(sheets) == 1 {
			return lastSheet(sheets[0])
		}
		return nil
	case RenameSheet:
		if err := CheckName(c.Name); err != nil {
			return err
		}
		if i := index(sheets, c.Name); i >= 0 && i != at {
			return taken(sheets[i])
		}
		return nil
	case MoveSheet:
		return c.position(len(sheets) - 1)
	}
	return refuse(BadKind, "Use one of the kinds that there are.", "there is no structure change %q", string(c.Kind))
}

var kinds = []Kind{InsertRows, DeleteRows, InsertColumns, DeleteColumns, MoveCells, AddSheet, DeleteSheet, RenameSheet, MoveSheet}

func (c Change) lines(what string, size int) error {
	if c.At < 0 || c.At >= size {
		return refuse(OutOfBounds, "Give a "+what+" of the sheet.", "there is no %s %d: a sheet has %d", what, c.At+1, size)
	}
	if c.Count < 1 || c.Count > size-c.At {
		return refuse(OutOfBounds, "Give a count from 1 to what the sheet has left.", "%d %ss from %s %d on are not on the sheet", c.Count, what, what, c.At+1)
	}
	return nil
}

func (c Change) position(last int) error {
	if c.Position < 0 || c.Position > last {
		return refuse(OutOfBounds, "Give a position from 0 to the number of sheets.", "there is no position %d among the sheets: the last is %d", c.Position, last)
	}
	return nil
}

func noSheet(name string) error {
	return refuse(NoSheet, "List the sheets, and give one of their names.", "there is no sheet %.64q", name)
}

func taken(name string) error {
	return refuse(NameTaken, "Give another name; names that differ in case only are the same.", "there is a sheet %q already", name)
}

func lastSheet(name string) error {
	return refuse(LastSheet, "Add another sheet first, or show a hidden one.", "sheet %q is the last one that is visible, and a workbook needs one", name)
}

// CheckName gives an [*Error] where name cannot be that of a sheet.
func CheckName(name string) error {
	const hint = `A name has 1 to 31 characters, none of []:*?/\, and no apostrophe at an end.`
	n := len(utf16.Encode([]rune(name)))
	switch {
	case n == 0:
		return refuse(BadName, hint, "a sheet needs a name")
	case n > MaxSheetName:
		return refuse(BadName, hint, "the name %.64q has %d characters, and a sheet's may have %d", name, n, MaxSheetName)
	case strings.ContainsAny(name, `[]:*?/\`):
		return refuse(BadName, hint, `the name %q has one of []:*?/\ in it`, name)
	case name[0] == '\'' || name[len(name)-1] == '\'':
		return refuse(BadName, hint, "the name %q begins or ends with an apostrophe", name)
	case strings.EqualFold(name, "History"):
		return refuse(BadName, "Give another name.", "the name %q is one that Excel keeps for itself", name)
	}
	for _, r := range name {
		if r < ' ' || r == 0xFFFD || r == 0xFFFE || r == 0xFFFF {
			return refuse(BadName, hint, "the name %q has a character that a file cannot hold", name)
		}
	}
	return nil
}

// Sheets gives the names of the sheets after the change. The list that is given stays as it is.
func (c Change) Sheets(before []string) []string {
	after := slices.Clone(before)
	at := index(before, c.Sheet)
	switch {
	case c.Kind == AddSheet:
		return slices.Insert(after, min(max(c.Position, 0), len(after)), c.Sheet)
	case at < 0:
	case c.Kind == DeleteSheet:
		return slices.Delete(after, at, at+1)
	case c.Kind == RenameSheet:
		after[at] = c.Name
	case c.Kind == MoveSheet:
		after = slices.Delete(after, at, at+1)
		return slices.Insert(after, min(max(c.Position, 0), len(after)), before[at])
	}
	return after
}

// index gives the place of a sheet, or -1. Names that differ in case only are the same.
func index(sheets []string, name string) int {
	return slices.IndexFunc(sheets, func(s string) bool { return strings.EqualFold(s, name) })
}
