package tools

import (
	"context"

	"gridflow/internal/book"
)

// sizeBatchIn is what column_size_batch and row_size_batch are given, each with operations of its own.
type sizeBatchIn[Op any] struct {
	ForkArg
	Sheet string `json:"sheet_name" required:"true"`
	Ops   []Op   `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

type sizeBatchOut struct {
	batchOut
	Sheet string `json:"sheet_name"`

	sized []string // what operations name, as A:C
}

// recast names the columns as the bounds of the change.
func (o *sizeBatchOut) recast() {
	o.Summary.Bounds = o.sized
	o.batchOut.recast()
}

// sizeBatch is the handler of such a tool: size makes one operation on a sheet.
func sizeBatch[Op any](tool string, size func(b *batch, sheet int, op *Op) error) func(context.Context, *Env, sizeBatchIn[Op]) (*sizeBatchOut, error) {
	return func(ctx context.Context, env *Env, in sizeBatchIn[Op]) (*sizeBatchOut, error) {
		out := &sizeBatchOut{}
		made, err := env.batch(ctx, in.Fork, tool, "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
			b.begin(tool)
			index, err := sheetNamed(b.snap, in.Sheet)
			if err != nil {
				return err
			}
			out.Sheet = b.snap.Workbook().Sheets[index].Name
			if i == 0 {
				out.sized = nil
			}
			if named, ok := any(&in.Ops[i]).(interface{ names() string }); ok {
				out.sized = append(out.sized, named.names())
			}
			return size(b, index, &in.Ops[i])
		})
		if err != nil {
			return nil, err
		}
		out.batchOut = *made
		return out, nil
	}
}

// A direction says how an operation names the columns or the rows that it sizes.
type direction struct {
	lines    string // "columns" or "rows"
	spelling string // how they are written
	example  string
	warning  string // where range stands for target
	parse    func(text string) (first, last int, ok bool)
}

var (
	byColumns = direction{"columns", "B, A:C or A-C", "A:C", "WARN_COLUMN_SHORTHAND_TARGET", columnsNamed}
	byRows    = direction{"rows", "2, 2:9 or 2-9", "2:9", "WARN_ROW_SHORTHAND_TARGET", rowsNamed}
)

// meant reads which of them an operation means: those of target, unless that is nil, or of its short form.
func (d *direction) meant(b *batch, target *string, short string) (first, last int, err error) {
	text := short
	switch {
	case target != nil && short != "":
		return 0, 0, invalid("Give one of them", "target and range exclude each other")
	case target != nil:
		text = *target
	case short == "":
		return 0, 0, invalid(`Example: "target":{"kind":"`+d.lines+`","range":"`+d.example+`"}`, "target is missing")
	default:
		b.warn("%s: range was read as %s", d.warning, d.lines)
	}
	first, last, ok := d.parse(text)
	if !ok {
		return 0, 0, fail(codeRangeInvalid, "Write "+d.lines+" as "+d.spelling, "%q names no %s", clip(text, 40), d.lines)
	}
	return first, last, nil
}

// Grouping is embedded in operations on rows and on columns.
type Grouping struct {
	Hidden   *bool  `json:"hidden"`
	Level    *int   `json:"outline_level" min:"0" max:"7" doc:"How deep they are grouped; 0 is not"`
	Group    string `json:"group" enum:"group|ungroup" doc:"One level deeper, or less deep"`
	Collapse *bool  `json:"collapsed" doc:"Folds the group away, or opens it: hides its rows or columns and marks the next one, which has the button"`
}

// says tells whether anything is to change.
func (g *Grouping) says() bool {
	return g.Hidden != nil || g.Level != nil || g.Group != "" || g.Collapse != nil
}

// check refuses what contradicts itself.
func (g *Grouping) check() error {
	switch {
	case g.Level != nil && g.Group != "":
		return invalid("Give one of them", "outline_level and group exclude each other")
	case g.Hidden != nil && g.Collapse != nil:
		return invalid("Give one of them", "hidden and collapsed exclude each other: a group that is collapsed is hidden")
	}
	return nil
}

// apply changes what a span says.
func (g *Grouping) apply(hidden *bool, level *uint8) error {
	if g.Hidden != nil {
		*hidden = *g.Hidden
	}
	if g.Collapse != nil {
		*hidden = *g.Collapse
	}
	switch {
	case g.Level != nil:
		*level = uint8(*g.Level)
	case g.Group == "group" && *level == book.MaxOutline:
		return invalid("", "they are grouped %d levels deep already, and there are no more", book.MaxOutline)
	case g.Group == "group":
		*level++
	case g.Group == "ungroup" && *level > 0:
		*level--
	}
	return nil
}
