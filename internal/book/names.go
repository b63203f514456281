package book

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// EditNames defines, changes and deletes defined names. Where two edits are of one name, the later counts.
type EditNames struct {
	Names []NameEdit `json:"names"`
}

// NameEdit is what becomes of one defined name of a workbook or of a sheet: it says something, whether it
// was there before or not, or it is gone, which it may have been before. The names in JSON are
// those of the journal.
type NameEdit struct {
	Name     string `json:"name"`              // case does not matter, and that of a name that is there stays
	Sheet    string `json:"sheet,omitempty"`   // that it is a name of; "" is the workbook
	Delete   bool   `json:"delete,omitempty"`  // then all below means nothing
	RefersTo string `json:"refers,omitempty"`  // a formula without "=", as typed or as files have it
	Comment  string `json:"comment,omitempty"` // for people
	Hidden   bool   `json:"hidden,omitempty"`  // people do not see it
}

// The bounds of Excel for names and what is said of them, in characters.
const (
	MaxName        = 255
	MaxNameComment = 255
)

func (o EditNames) kind() opKind { return kindEditNames }

func (o EditNames) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeEditNames(d *decoder) Op {
	var o EditNames
	d.json(&o)
	return o
}

func (o EditNames) check(s *Snapshot) *Error {
	for i := range o.Names {
		if err := o.Names[i].check(s); err != nil {
			return err
		}
	}
	return nil
}

// check finds what is wrong with e but for its name, which may be one that only the file has.
func (e *NameEdit) check(s *Snapshot) *Error {
	if e.Sheet != "" {
		if _, ok := s.SheetIndex(e.Sheet); !ok {
			err := errorf(SheetNotFound, "Take a name from list_sheets.", "the workbook has no sheet %q", e.Sheet)
			err.Sheet = e.Sheet
			return err
		}
	}
	switch {
	case e.Name == "":
		return errorf(BadName, nameRules, "a defined name is missing")
	case e.Delete:
		return nil
	case !utf8.ValidString(e.Name) || !utf8.ValidString(e.Comment):
		return errorf(BadName, "Texts are UTF-8.", "the name or its comment is not valid UTF-8")
	case utf16Longer(e.Comment, MaxNameComment):
		return errorf(TooLong, "", "the comment of the name %q is longer than %d characters", e.Name, MaxNameComment)
	}
	if err := checkFormula(e.RefersTo); err != nil {
		err.Message = "what the name " + e.Name + " refers to: " + err.Message
		err.Hint = ""
		return err
	}
	return nil
}

const nameRules = "A name begins with a letter or _ and goes on with letters, digits, _ and points; it is no cell such as A1 or R1C1, and has no spaces."

// r1c1 is what reads as a cell, a row or a column in the notation R1C1.
var r1c1 = regexp.MustCompile(`(?i)^(r[0-9]*)?(c[0-9]*)?$`)

// CheckName says why a text cannot be a defined name in Excel; nil if it can.
func CheckName(name string) *Error {
	bad := func(why string) *Error {
		return errorf(BadName, nameRules, "%q is no defined name: %s", clipped(name), why)
	}
	switch {
	case name == "":
		return bad("it is empty")
	case !utf8.ValidString(name):
		return bad("it is not valid UTF-8")
	case utf16Longer(name, MaxName):
		return errorf(TooLong, "", "a defined name has %d characters at most", MaxName)
	}
	for i, r := range name {
		first := unicode.IsLetter(r) || r == '_' || r == '\\'
		if !first && i == 0 {
			return bad(fmt.Sprintf("it cannot begin with %q", r))
		}
		if !first && (!unicode.IsDigit(r) && !unicode.IsMark(r) && r != '.' && r != '?') {
			return bad(fmt.Sprintf("%q cannot be in it", r))
		}
	}
	if _, ok := cell.ParseRef(name); ok || r1c1.MatchString(name) {
		return bad("it reads as cells")
	}
	// Whatever else it reads as, such as TRUE, it could not be called by it.
	if t, err := formula.Parse(name); err != nil || t.Root.Kind != formula.Ref || t.Root.Ref.Kind != formula.NameRef || t.Root.Ref.Qualified() {
		return bad("it reads as something else")
	}
	return nil
}

// clipped shortens what a message quotes.
func clipped(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:61], "") + "…"
	}
	return s
}

// NameIndex gives the place in a list of a name of a sheet, -1 for the workbook; -1 where it has none. Of
// several it is the first, which is the one that counts.
func NameIndex(list []grid.Name, name string, sheet int) int {
	key := FoldName(name)
	return slices.IndexFunc(list, func(n grid.Name) bool { return n.Sheet == sheet && FoldName(n.Name) == key })
}

func (o EditNames) apply(d *draft) error {
	was := d.next.Workbook().Names
	names := slices.Clone(was)
	for i := range o.Names {
		e := &o.Names[i]
		sheet := -1
		if e.Sheet != "" {
			sheet, _ = d.next.SheetIndex(e.Sheet)
		}
		at := NameIndex(names, e.Name, sheet)
		if e.Delete {
			for ; at >= 0; at = NameIndex(names, e.Name, sheet) {
				names = slices.Delete(names, at, at+1)
			}
			continue
		}
		n := grid.Name{Name: e.Name, Sheet: sheet, RefersTo: e.RefersTo, Comment: e.Comment, Hidden: e.Hidden}
		if stored, err := formula.Stored(e.RefersTo); err == nil {
			n.RefersTo = stored
		}
		if at >= 0 {
			n.Name = names[at].Name
			names[at] = n
			continue
		}
		if err := d.newName(e.Name); err != nil {
			return err
		}
		names = slices.Insert(names, grid.NamePlace(names, &n), n)
	}
	if slices.Equal(was, names) {
		return nil
	}
	wb := *d.next.Workbook()
	wb.Names = names
	d.next.book, d.next.decided, d.renamed, d.scope = &wb, true, true, nil
	return nil
}

// newName refuses what cannot be the name of something new.
func (d *draft) newName(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	tables, err := d.next.Tables(d.ctx)
	if d.ctx.Err() != nil {
		return err
	}
	for i := range tables { // where they cannot be read, nothing can be said of them
		if FoldName(tables[i].Name) == FoldName(name) {
			return errorf(BadName, "Choose another name.", "there is a table %q, and a table and a name cannot be called alike", tables[i].Name)
		}
	}
	return nil
}

// nameID tells defined names from each other, whatever the order of sheets: the folded name, and the folded
// name of its sheet, which is "" for the workbook.
type nameID struct{ name, sheet string }

// namesByID gives the names of a snapshot. Of several with one ID the first counts.
func (s *Snapshot) namesByID() map[nameID]*grid.Name {
	wb := s.Workbook()
	names := make(map[nameID]*grid.Name, len(wb.Names))
	for i := range wb.Names {
		if id, ok := idOf(wb, &wb.Names[i]); ok && names[id] == nil {
			names[id] = &wb.Names[i]
		}
	}
	return names
}

func idOf(wb *grid.Workbook, n *grid.Name) (nameID, bool) {
	switch {
	case n.Sheet < 0:
		return nameID{name: FoldName(n.Name)}, true
	case n.Sheet < len(wb.Sheets):
		return nameID{FoldName(n.Name), FoldName(wb.Sheets[n.Sheet].Name)}, true
	}
	return nameID{}, false
}

// sameName reports whether two names, either of which may be missing, say the same.
func sameName(a, b *grid.Name) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.RefersTo == b.RefersTo && a.Comment == b.Comment && a.Hidden == b.Hidden
}

// sharesNames reports whether two snapshots have one list of names.
func sharesNames(a, b *Snapshot) bool {
	x, y := a.Workbook().Names, b.Workbook().Names
	return len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
}

// NamesBetween gives the edit that makes of the names of base those of cur. Both are states of one line.
func NamesBetween(base, cur *Snapshot) (o EditNames, ok bool) {
	if sharesNames(base, cur) {
		return o, false
	}
	olds, news := base.namesByID(), cur.namesByID()
	was, is := base.Workbook(), cur.Workbook()
	for i := range was.Names {
		if id, known := idOf(was, &was.Names[i]); known && olds[id] == &was.Names[i] && news[id] == nil {
			o.Names = append(o.Names, gone(was, &was.Names[i]))
		}
	}
	for i := range is.Names {
		if id, known := idOf(is, &is.Names[i]); known && news[id] == &is.Names[i] && !sameName(olds[id], news[id]) {
			o.Names = append(o.Names, nameEdit(is, &is.Names[i]))
		}
	}
	return o, len(o.Names) > 0
}

// nameEdit gives the edit that makes a name of wb what it is there.
func nameEdit(wb *grid.Workbook, n *grid.Name) NameEdit {
	e := NameEdit{Name: n.Name, RefersTo: n.RefersTo, Comment: n.Comment, Hidden: n.Hidden}
	if n.Sheet >= 0 {
		e.Sheet = wb.Sheets[n.Sheet].Name
	}
	return e
}

func gone(wb *grid.Workbook, n *grid.Name) NameEdit {
	e := nameEdit(wb, n)
	return NameEdit{Name: e.Name, Sheet: e.Sheet, Delete: true}
}
