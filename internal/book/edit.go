package book

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/numfmt"
	"gridflow/internal/xf"
)

// Edit is what one commit changes: all of it or nothing. Its operations are done one after
// the other, each on what the one before left. An Edit is data: it says nothing of the state
// that it will be applied to, and has a stable binary form (AppendTo, DecodeEdit) for the journal.
type Edit struct {
	Ops []Op
}

// Op is one operation of an Edit. The kinds are the types of this package that are in the
// table opKinds: [SetCells], [GrowTable], [SetResults], [FormatCells], [Arrange],
// [GiveValues], [Restructure], [FormatLines], [EditNames], [ArrangeBook], [ArrangeTables], [ArrangeObjects].
type Op interface {
	kind() opKind
	// appendTo appends the binary form without the kind.
	appendTo(b []byte) []byte
	// check finds what can be known to be wrong without reading a sheet.
	check(s *Snapshot) *Error
	// apply makes the change in d. It reads sheets, and so may wait.
	apply(d *draft) error
}

// SetCells sets and clears cells of one sheet. Where two edits are of one cell, the later
// counts.
type SetCells struct {
	Sheet string // its name; case does not matter
	Cells []CellEdit
}

// CellEdit is what happens to one cell: it is cleared, or given a value, or given a formula.
// A formula has no value until it is calculated.
//
// A cell that was not stored takes the format of its row or else of its column, as in Excel.
type CellEdit struct {
	Ref        cell.Ref
	Clear      bool       // the cell becomes blank; its format stays
	Keep       bool       // value and formula stay; only NumFmt and Format count
	Value      cell.Value // blank clears too
	Formula    string     // without "=", as typed or as files have it
	HasFormula bool
	Array      Arrayness   // whether the formula is a dynamic array
	NumFmt     string      // number format code, such as "yyyy-mm-dd"; "" leaves the cell's
	Format     xf.Settings // all else that changes of how the cell looks
}

// Weight is what the edit counts for where the memory that a change may take is bounded; see [Weight].
func (c *CellEdit) Weight() int { return Weight(len(c.Value.Text()) + len(c.Formula)) }

// Weight is what a cell with a text and a formula of so many bytes together counts for where memory is bounded: what is made
// of it on its way takes some 250 bytes, and four times as much as its text.
func Weight(bytes int) int { return 1 + bytes/64 }

// Arrayness says whether a formula is a dynamic array.
type Arrayness uint8

// What may be said of it. Excel decides it when a formula is typed, by what the names in it mean then;
// who makes a cell again that was typed when they meant something else says what it is.
const (
	ArrayAsTyped Arrayness = iota // as its text is read, with the names that there are
	ArrayNever
	ArrayAlways
)

// The bounds of Excel, in UTF-16 code units.
const (
	MaxText    = 32767
	MaxFormula = 8192
	MaxNumFmt  = 255
)

// utf16Longer reports whether s is longer than most UTF-16 code units.
func utf16Longer(s string, most int) bool {
	if len(s) <= most {
		return false
	}
	n := 0
	for _, r := range s {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n > most
}

// worksheet finds a sheet that has cells.
func (s *Snapshot) worksheet(name string) (int, *Error) {
	i, ok := s.SheetIndex(name)
	if !ok {
		return 0, errorf(SheetNotFound, "Take a name from list_sheets.", "the workbook has no sheet %q", name)
	}
	if info := s.Workbook().Sheets[i]; info.Kind != 0 {
		return 0, errorf(NotAWorksheet, "Only worksheets have cells.", "sheet %q is a %v", name, info.Kind)
	}
	return i, nil
}

func (o SetCells) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	for i := range o.Cells {
		if err := o.Cells[i].check(); err != nil {
			err.Cell, err.Sheet, err.Ref = i, o.Sheet, o.Cells[i].Ref
			return err
		}
	}
	return nil
}

// check finds what is wrong with c whatever the workbook is. Place and sheet are left to
// the caller.
func (c *CellEdit) check() *Error {
	if !c.Ref.Valid() {
		return errorf(BadCell, fmt.Sprintf("A worksheet has %d rows and %d columns.", cell.MaxRows, cell.MaxCols), "row %d, column %d is outside of a worksheet", c.Ref.Row+1, c.Ref.Col+1)
	}
	says := 0
	for _, b := range [...]bool{c.Clear, c.Keep, c.HasFormula, !c.Value.IsBlank()} {
		if b {
			says++
		}
	}
	if says > 1 {
		return errorf(BadCell, "Give one of them.", "a value, a formula, Clear and Keep exclude one another")
	}
	if c.Formula != "" && !c.HasFormula {
		return errorf(BadCell, "Set HasFormula, or leave the formula out.", "there is a formula that is not to count")
	}
	if c.Array > ArrayAlways || c.Array != ArrayAsTyped && !c.HasFormula {
		return errorf(BadCell, "", "there is no formula that could be an array or none")
	}
	switch {
	case c.Value.Kind() == cell.Number && (math.IsNaN(c.Value.Number()) || math.IsInf(c.Value.Number(), 0)):
		return errorf(BadValue, "Give an error value such as #NUM!, or a text.", "a cell cannot hold the number %v", c.Value.Number())
	case c.Value.Kind() == cell.Text && !utf8.ValidString(c.Value.Text()):
		return errorf(BadValue, "Texts are UTF-8.", "the text is not valid UTF-8")
	case c.Value.Kind() == cell.Text && utf16Longer(c.Value.Text(), MaxText):
		return errorf(TooLong, "Split the text over several cells.", "the text is longer than %d characters", MaxText)
	case c.Value.Kind() == cell.Error && !knownError(c.Value.Err()):
		return errorf(BadValue, "", "there is no error value %d", c.Value.Err())
	}
	if c.HasFormula {
		if err := checkFormula(c.Formula); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(c.Format, func(s xf.Setting) bool { return s.Leaf == xf.NumberFormat }) {
		return errorf(BadFormat, "Give it as NumFmt.", "the number format stands among the other settings")
	}
	if err := checkSettings(c.Format); err != nil {
		return err
	}
	return checkNumFmt(c.NumFmt)
}

// knownError reports whether e is one of the error values.
func knownError(e cell.ErrorCode) bool {
	back, ok := cell.ParseError(e.String())
	return ok && back == e
}

func checkFormula(text string) *Error {
	switch {
	case strings.TrimSpace(text) == "":
		return errorf(BadFormula, "Clear the cell instead.", "the formula is empty")
	case text[0] == '=':
		return errorf(BadFormula, "Leave the equals sign out.", "the formula begins with =")
	case !utf8.ValidString(text):
		return errorf(BadFormula, "Formulas are UTF-8.", "the formula is not valid UTF-8")
	case utf16Longer(text, MaxFormula) && utf16Longer(formula.Display(text), MaxFormula): // storage prefixes do not count
		return errorf(TooLong, "Split the formula over several cells.", "the formula is longer than %d characters", MaxFormula)
	}
	return nil
}

func checkNumFmt(code string) *Error {
	switch {
	case code == "":
		return nil
	case utf16Longer(code, MaxNumFmt):
		return errorf(TooLong, "Give a shorter code.", "the number format code is longer than %d characters", MaxNumFmt)
	case !utf8.ValidString(code):
		return errorf(BadFormat, "Codes are UTF-8.", "the number format code is not valid UTF-8")
	}
	if err := numfmt.Compile(code).Err(); err != nil {
		e := errorf(BadFormat, `Examples: "0.00", "yyyy-mm-dd", "#,##0;[Red]-#,##0".`, "%q is no number format code: %v", code, err)
		e.cause = err
		return e
	}
	return nil
}

// Formulas yields the formulas that e writes into cells, each with the name of its sheet.
func (e Edit) Formulas() iter.Seq2[string, *CellEdit] {
	return func(yield func(string, *CellEdit) bool) {
		for _, op := range e.Ops {
			o, ok := op.(SetCells)
			if !ok {
				continue
			}
			for k := range o.Cells {
				if c := &o.Cells[k]; c.HasFormula && !yield(o.Sheet, c) {
					return
				}
			}
		}
	}
}

// BadFormulas parses the formulas of e and gives an error for each that is none. Apply does
// not: what the journal holds was accepted once, and must be accepted again.
func (e Edit) BadFormulas() (bad []*Error) {
	for i, op := range e.Ops {
		o, ok := op.(SetCells)
		if !ok {
			continue
		}
		for k := range o.Cells {
			c := &o.Cells[k]
			if !c.HasFormula {
				continue
			}
			if _, err := formula.Parse(c.Formula); err != nil {
				bad = append(bad, &Error{Code: BadFormula, Op: i, Cell: k, Sheet: o.Sheet, Ref: c.Ref, Message: err.Error(), cause: err})
			}
		}
	}
	return bad
}
