package book

import (
	"encoding/json"
	"slices"

	"gridflow/internal/grid"
)

// ArrangeBook changes what a workbook has besides its sheets' contents. A part that is nil stays.
type ArrangeBook struct {
	Sheets     []SheetShown             `json:"sheets,omitempty"`
	Protection *grid.WorkbookProtection `json:"protection,omitempty"`
}

// SheetShown says whether people see the tab of a sheet, which may be of any kind.
type SheetShown struct {
	Sheet      string          `json:"sheet"` // its name; case does not matter
	Visibility grid.Visibility `json:"visibility"`
}

func (o ArrangeBook) kind() opKind { return kindArrangeBook }

func (o ArrangeBook) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeArrangeBook(d *decoder) Op {
	var o ArrangeBook
	d.json(&o)
	return o
}

func (o ArrangeBook) check(s *Snapshot) *Error {
	for _, x := range o.Sheets {
		if _, ok := s.SheetIndex(x.Sheet); !ok {
			err := errorf(SheetNotFound, "Take a name from list_sheets.", "the workbook has no sheet %q", x.Sheet)
			err.Sheet = x.Sheet
			return err
		}
		if x.Visibility > grid.VeryHidden {
			return errorf(BadLayout, "", "there is no visibility %d", x.Visibility)
		}
	}
	if o.Protection != nil {
		return checkPassword(o.Protection.Password)
	}
	return nil
}

func (o ArrangeBook) apply(d *draft) error {
	wb := *d.next.Workbook()
	was := wb
	wb.Sheets = slices.Clone(wb.Sheets)
	for _, x := range o.Sheets {
		i, _ := d.next.SheetIndex(x.Sheet)
		wb.Sheets[i].Visibility = x.Visibility
	}
	if o.Protection != nil {
		wb.Protection = *o.Protection
	}
	if slices.Equal(was.Sheets, wb.Sheets) && was.Protection == wb.Protection {
		return nil
	}
	if !slices.ContainsFunc(wb.Sheets, func(s grid.SheetInfo) bool { return s.Visibility == grid.Visible }) {
		return errorf(BadLayout, "Show another one first.", "the last sheet that is visible cannot be hidden")
	}
	// From the file's own on, so that it depends on what is shown and not on what was in between: a fork of the
	// fork is told the former only.
	wb.ActiveSheet = d.next.src.Workbook().ActiveSheet
	for wb.Sheets[wb.ActiveSheet].Visibility != grid.Visible { // a program shows the one in front whatever it is
		wb.ActiveSheet = (wb.ActiveSheet + 1) % len(wb.Sheets)
	}
	d.next.book = &wb
	return nil
}

// BookBetween gives the edit that makes of what base has besides its sheets' contents what cur has. Both are
// states of one line.
func BookBetween(base, cur *Snapshot) (o ArrangeBook, ok bool) {
	was, is := base.Workbook(), cur.Workbook()
	if was == is {
		return o, false
	}
	for _, info := range is.Sheets {
		if i, known := base.SheetIndex(info.Name); known && was.Sheets[i].Visibility != info.Visibility {
			o.Sheets = append(o.Sheets, SheetShown{info.Name, info.Visibility})
		}
	}
	if was.Protection != is.Protection {
		o.Protection = &is.Protection
	}
	return o, len(o.Sheets) > 0 || o.Protection != nil
}

// mergeBook brings to onto what from changed of base. Where both changed the same, it stays as onto has it, unless
// wins says that from has the say. name gives what a sheet of base is called in onto.
func (m *Merged) mergeBook(base, onto, from *Snapshot, wins bool, name func(string) (string, bool)) {
	o, ok := BookBetween(base, from)
	if !ok {
		return
	}
	was, is := base.Workbook(), onto.Workbook()
	var take ArrangeBook
	for _, x := range o.Sheets {
		i, _ := base.SheetIndex(x.Sheet)
		there, known := name(x.Sheet)
		k, found := onto.SheetIndex(there)
		if !known || !found || is.Sheets[k].Visibility == x.Visibility || !wins && is.Sheets[k].Visibility != was.Sheets[i].Visibility {
			continue
		}
		take.Sheets = append(take.Sheets, SheetShown{is.Sheets[k].Name, x.Visibility})
	}
	if o.Protection != nil && *o.Protection != is.Protection && (wins || is.Protection == was.Protection) {
		take.Protection = o.Protection
	}
	if len(take.Sheets) > 0 || take.Protection != nil {
		m.Edit.Ops = append(m.Edit.Ops, take)
	}
}

// sameSheet is for workbooks whose sheets are called alike.
func sameSheet(name string) (string, bool) { return name, true }

// newName gives what a sheet of base is called in the other workbook.
func (c *comparison) newName(name string) (string, bool) {
	old, ok := c.base.SheetIndex(name)
	if !ok {
		return "", false
	}
	i, ok := c.byOld[old]
	if !ok {
		return "", false
	}
	return c.pairs[i].name, true
}

// shown yields the sheets that are shown otherwise, and whether the workbook is protected otherwise.
func (c *comparison) shown(yield func(Change, error) bool) bool {
	was, is := c.base.Workbook(), c.cur.Workbook()
	if was == is {
		return true
	}
	for _, p := range c.pairs {
		if was.Sheets[p.old].Visibility != is.Sheets[p.new].Visibility && c.wanted(p.name) && !yield(Change{Kind: LayoutModified, Sheet: p.name, Name: "visibility"}, nil) {
			return false
		}
	}
	return was.Protection == is.Protection || c.o.Sheet != "" || yield(Change{Kind: LayoutModified, Name: "workbook_protection"}, nil)
}

// Parts names what o changes, as Parts of an Arrange does.
func (o ArrangeBook) Parts() (list []string) {
	if len(o.Sheets) > 0 {
		list = append(list, "visibility")
	}
	if o.Protection != nil {
		list = append(list, "workbook_protection")
	}
	return list
}
