package book

import (
	"bytes"
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
	text := d.text()
	if d.err != nil {
		return o
	}
	r := json.NewDecoder(bytes.NewReader([]byte(text)))
	r.DisallowUnknownFields() // a newer gridflow meant something by them
	if err := r.Decode(&o); err != nil || r.More() {
		d.fail("the arrangement is not one: %v", err)
	}
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

// mergeLayouts gives what theirs changed of a layout and ours did not. Where both did, ours stays.
func mergeLayouts(name string, base, ours, theirs *grid.Layout) (o Arrange, ok bool) {
	o, same := arranged(base, theirs)
	if same {
		return o, false
	}
	mine, _ := arranged(base, ours)
	if mine.Columns != nil {
		o.Columns = nil
	}
	if mine.View != nil {
		o.View = nil
	}
	o.Sheet = name
	return o, o.Columns != nil || o.View != nil
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

// restyled gives spans of columns with the styles that the columns have in another file, whose numbers
// of styles are its own.
func restyled(list, onto []grid.ColumnSpan) *[]grid.ColumnSpan {
	var out []grid.ColumnSpan
	for _, c := range list {
		out = grid.EditColumns(out, c.First, c.Last, func(x *grid.ColumnSpan) {
			first, last := x.First, x.Last
			*x = c
			x.First, x.Last, x.Style = first, last, 0
		})
	}
	for _, c := range onto {
		if c.Style != 0 {
			out = grid.EditColumns(out, c.First, c.Last, func(x *grid.ColumnSpan) {
				if x.Style = c.Style; x.Width == 0 {
					x.Width, x.Custom = c.Width, c.Custom
				}
			})
		}
	}
	return &out
}
