package analyze

import (
	"context"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// View is a sheet with what is needed to tell its dates from its numbers. It is a
// value; copies are the same view.
type View struct {
	*grid.Sheet
	Styles *grid.Styles
	Dates  numfmt.DateSystem
}

// ViewOf is sheet s as a part of wb.
func ViewOf(wb *grid.Workbook, s *grid.Sheet) View {
	return View{Sheet: s, Styles: wb.Styles, Dates: wb.Dates}
}

// Kind is what a cell holds as a person sees it: unlike a [cell.Kind], it knows dates.
type Kind uint8

// The kinds. A Null cell holds no value, stored or not.
const (
	Null Kind = iota
	Number
	Text
	Bool
	Date
	Error
	kinds
)

// String gives the kind as it stands in results: "null", "number", "text", "bool",
// "date" or "error".
func (k Kind) String() string {
	return [...]string{"null", "number", "text", "bool", "date", "error"}[k]
}

// KindOf says what c holds. An empty text, which formulas like IF(x,y,"") give, is null.
func (v View) KindOf(c grid.Cell) Kind {
	switch c.Value.Kind() {
	case cell.Number:
		if v.isDate(c) {
			return Date
		}
		return Number
	case cell.Text:
		if c.Value.Text() == "" {
			return Null
		}
		return Text
	case cell.Bool:
		return Bool
	case cell.Error:
		return Error
	}
	return Null
}

// dayMax is the first serial that is no day any more, in either date system.
const dayMax = 2958466

// isDate reports whether the number in c is shown as a point or a length of time, and
// can be one.
func (v View) isDate(c grid.Cell) bool {
	f := v.Styles.Format(c.Style)
	if f == nil || !f.IsDate() {
		return false
	}
	x := c.Value.Number()
	return x >= 0 && x < dayMax || f.Kind() == numfmt.Duration
}

// Append appends the value of c to b in the form that searches and labels use: as
// [cell.Value.Append] does, with dates in ISO form.
func (v View) Append(b []byte, c grid.Cell) []byte {
	if c.Value.Kind() == cell.Number && v.isDate(c) {
		kind := v.Styles.Format(c.Style).Kind()
		if kind != numfmt.Duration && (kind != numfmt.Time || c.Value.Number() >= 1) {
			kind = numfmt.General // a day, with the time of day if there is any
		}
		return numfmt.AppendISO(b, c.Value.Number(), v.Dates, kind)
	}
	return c.Value.Append(b)
}

// Shown gives the text of Append.
func (v View) Shown(c grid.Cell) string {
	if c.Value.Kind() == cell.Text {
		return c.Value.Text()
	}
	var buf [40]byte
	return string(v.Append(buf[:0], c))
}

// paceCells is how many cells are read between two looks at the context: a few
// microseconds of work.
const paceCells = 4096

// pace makes long loops stop soon after their context is done.
type pace struct {
	ctx  context.Context
	left int
}

// newPace gives a pace that looks at ctx at its first step.
func newPace(ctx context.Context) *pace { return &pace{ctx: ctx} }

// step counts n units of work and gives the context's cause once it is done.
func (p *pace) step(n int) error {
	if p.left -= n; p.left > 0 {
		return nil
	}
	p.left = paceCells
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	return nil
}
