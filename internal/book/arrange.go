package book

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Arrange changes what a sheet has besides its cells. A part that is nil stays as it is; one that is given
// replaces all that there was of it.
type Arrange struct {
	Sheet string `json:"sheet"` // its name; case does not matter

	Columns *[]grid.ColumnSpan `json:"columns,omitempty"` // widths, and what is hidden or grouped; ascending and apart
	View    *grid.View         `json:"view,omitempty"`    // frozen panes, zoom, grid lines
}

func (o Arrange) kind() opKind { return kindArrange }

// appendTo appends the body as JSON: it has many parts, of which there will be more.
func (o Arrange) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeArrange(d *decoder) Op {
	var o Arrange
	d.json(&o)
	return o
}

// The widest column, in characters, and the deepest outline that Excel takes.
const (
	MaxColumnWidth = 255
	MaxOutline     = 7
)

func (o Arrange) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	if o.Columns != nil {
		last := -1
		for _, c := range *o.Columns {
			switch {
			case c.First <= last || c.Last < c.First || c.Last >= cell.MaxCols:
				return errorf(BadLayout, "", "columns %d to %d are none of a worksheet, or come after others that they should come before", c.First+1, c.Last+1)
			case !(c.Width >= 0 && c.Width <= MaxColumnWidth):
				return errorf(BadLayout, fmt.Sprintf("A column is 0 to %d characters wide.", MaxColumnWidth), "column %s cannot be %v wide", cell.ColumnName(c.First), c.Width)
			case c.Outline > MaxOutline:
				return errorf(BadLayout, "", "column %s is grouped %d levels deep, and %d are the most", cell.ColumnName(c.First), c.Outline, MaxOutline)
			}
			last = c.Last
		}
	}
	if v := o.View; v != nil {
		topLeft, ok := cell.ParseRef(v.TopLeft)
		switch {
		case v.FrozenRows < 0 || v.FrozenRows >= cell.MaxRows || v.FrozenCols < 0 || v.FrozenCols >= cell.MaxCols:
			return errorf(BadLayout, "", "%d rows and %d columns cannot be frozen", v.FrozenRows, v.FrozenCols)
		case (v.FrozenRows > 0 || v.FrozenCols > 0) && (!ok || topLeft.Row < v.FrozenRows || topLeft.Col < v.FrozenCols):
			return errorf(BadLayout, "It is the first cell to be seen below and right of the frozen ones.", "%q is no cell outside of %d frozen rows and %d columns", v.TopLeft, v.FrozenRows, v.FrozenCols)
		case v.ZoomPercent != 0 && (v.ZoomPercent < 10 || v.ZoomPercent > 400):
			return errorf(BadLayout, "", "the zoom cannot be %d %%, only 10 to 400", v.ZoomPercent)
		}
		if _, ok := cell.ParseRef(v.ActiveCell); v.ActiveCell != "" && !ok {
			return errorf(BadLayout, "", "%q is no cell", v.ActiveCell)
		}
	}
	return nil
}

func (o Arrange) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	l := *sheet.Layout
	if o.Columns != nil {
		l.Columns = slices.Clone(*o.Columns)
	}
	if o.View != nil {
		l.Views = *o.View
	}
	if o2, same := arranged(sheet.Layout, &l); same || o2 == (Arrange{}) {
		return nil
	}
	d.put(i, sheet, sheet.WithLayout(&l))
	return nil
}

// arranged gives what makes of one layout the other; same is true where they are.
func arranged(was, is *grid.Layout) (o Arrange, same bool) {
	if was == is {
		return o, true
	}
	same = true
	if !slices.Equal(was.Columns, is.Columns) {
		list := is.Columns
		o.Columns, same = &list, false
	}
	if !reflect.DeepEqual(was.Views, is.Views) {
		o.View, same = &is.Views, false
	}
	return o, same
}

// Rearranged gives what changed in the layout of a sheet of cur since base, of which cur is a version;
// ok is false where nothing did.
func Rearranged(base, cur *grid.Sheet, name string) (o Arrange, ok bool) {
	o, same := arranged(base.Layout, cur.Layout)
	o.Sheet = name
	return o, !same
}

// mergeLayouts gives what brings to the layout of onto what from changed of base: of columns each
// property by itself, so that a width that one sets takes none away that the other has set. Where both
// changed the same, it stays as onto has it, unless wins says that from has the say. The styles
// of columns are those of onto: no edit changes them, and another file numbers its own.
func mergeLayouts(name string, base, onto, from *grid.Layout, wins bool) (o Arrange, ok bool) {
	changed, same := arranged(base, from)
	if same {
		return o, false
	}
	if changed.Columns != nil {
		if list := mergeColumns(base, onto, from, wins); !slices.Equal(list, onto.Columns) {
			o.Columns = &list
		}
	}
	if changed.View != nil && (wins || reflect.DeepEqual(base.Views, onto.Views)) && !reflect.DeepEqual(from.Views, onto.Views) {
		o.View = changed.View
	}
	o.Sheet = name
	return o, o.Columns != nil || o.View != nil
}

// mergeColumns gives the columns of onto with what from changed of base.
func mergeColumns(base, onto, from *grid.Layout, wins bool) []grid.ColumnSpan {
	var starts []int // where a span of one of them begins, or has ended
	for _, l := range [...]*grid.Layout{base, onto, from} {
		for _, c := range l.Columns {
			starts = append(starts, c.First, c.Last+1)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	list := onto.Columns
	for i, first := range starts[:max(0, len(starts)-1)] {
		last := starts[i+1] - 1
		was, _ := base.Column(first)
		is, _ := onto.Column(first)
		to, _ := from.Column(first)
		next := is
		if sized(was, to) && (wins || !sized(was, is)) {
			next.Width, next.Custom = to.Width, to.Custom
		}
		if to.Hidden != was.Hidden && (wins || is.Hidden == was.Hidden) {
			next.Hidden = to.Hidden
		}
		if to.Outline != was.Outline && (wins || is.Outline == was.Outline) {
			next.Outline = to.Outline
		}
		if to.Collapsed != was.Collapsed && (wins || is.Collapsed == was.Collapsed) {
			next.Collapsed = to.Collapsed
		}
		if next != is && next.Width == 0 {
			next.Width = to.Width // Excel takes a span without a width for one of none
		}
		if next != is {
			list = grid.EditColumns(list, first, last, func(c *grid.ColumnSpan) {
				next.First, next.Last = c.First, c.Last
				*c = next
			})
		}
	}
	return list
}

// sized tells whether the width of a column was changed. That of the usual column, which hidden and grouped
// ones have to name, is no change.
func sized(was, is grid.ColumnSpan) bool {
	return (is.Width != was.Width || is.Custom != was.Custom) && (is.Custom || was.Width != 0)
}

// Parts names what differs between two layouts, of that which edits can change: "columns", "view".
func Parts(was, is *grid.Layout) []string {
	o, _ := arranged(was, is)
	return o.Parts()
}

// Parts names what o changes of a layout.
func (o Arrange) Parts() (list []string) {
	if o.Columns != nil {
		list = append(list, "columns")
	}
	if o.View != nil {
		list = append(list, "view")
	}
	return list
}
