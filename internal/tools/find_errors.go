package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type findErrorsIn struct {
	Book
	Sheet  string   `json:"sheet_name" doc:"All sheets unless given"`
	Range  string   `json:"range" doc:"Needs sheet_name, unless it names one"`
	Errors []string `json:"errors" doc:"Only these, such as #REF!"`
	Limit  int      `json:"limit" default:"50" min:"1" max:"1000" doc:"Causes"`
	Offset int      `json:"offset" default:"0" min:"0"`
}

// errorCause is a cell in which an error arose, with the cells that have it from there.
type errorCause struct {
	Cell     string   `json:"cell"`
	Error    string   `json:"error"`
	Formula  string   `json:"formula,omitempty"`
	Function string   `json:"function,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Cells    int      `json:"cells"` // that show it, itself included
	Samples  []string `json:"sample_addresses"`
}

type findErrorsOut struct {
	Cut
	WorkbookID string       `json:"workbook_id"`
	Errors     int          `json:"error_cells"`
	Causes     int          `json:"causes"`
	Traced     int          `json:"cells_traced"` // whose cause was looked for
	List       []errorCause `json:"errors"`
	NextOffset int          `json:"next_offset,omitempty"`
}

// tracedMax is of how many cells the cause is looked for, causeSamples how many of a cause are named.
const (
	tracedMax    = 2000
	causeSamples = 5
)

var findErrors = define(Spec{
	Name: "find_errors", Title: "Find errors", Toolset: "analysis", Reach: ReachBook,
	Description: "All cells with error values, grouped by the cell that each error comes from: a thousand cells that show one cell's error are one cause, with its formula and the reason. The causes that matter most come first.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in findErrorsIn) (*findErrorsOut, error) {
	out := &findErrorsOut{List: []errorCause{}}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		out.WorkbookID = snap.ID
		where, err := errorPlaces(ctx, snap, in)
		if err != nil {
			return err
		}
		var wanted []cell.ErrorCode
		for _, text := range in.Errors {
			code, ok := cell.ParseError(strings.ToUpper(strings.TrimSpace(text)))
			if !ok {
				return invalid("Write it as #REF!, #DIV/0!, #N/A …", "%q is no error value", clip(text, 20))
			}
			wanted = append(wanted, code)
		}
		c := causes{snap: snap, byCell: map[string]int{}}
		for i, a := range where {
			name := snap.Workbook().Sheets[a.sheet].Name
			ReportProgress(ctx, float64(i), float64(len(where)), "looking at "+name)
			sheet, err := snap.Sheet(ctx, a.sheet)
			if err != nil {
				return err
			}
			for x := range sheet.Cells(a.rng) {
				if e := x.Value.Err(); e == 0 || len(wanted) > 0 && !slices.Contains(wanted, e) {
					continue
				}
				if out.Errors++; out.Errors&1023 == 0 && ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err := c.add(ctx, a.sheet, name, sheet, x); err != nil {
					return err
				}
			}
		}
		out.Traced, out.Causes = c.traced, len(c.list)
		slices.SortStableFunc(c.list, func(a, b errorCause) int { return cmp.Compare(b.Cells, a.Cells) })
		lim := env.budget(in.Limit)
		for _, cause := range c.list[min(in.Offset, len(c.list)):] {
			if !lim.takeEntry(&cause) {
				break
			}
			out.List = append(out.List, cause)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	onward(&out.Cut, &out.NextOffset, portion{"causes", len(out.List), out.Causes, false}, "find_errors", &in, &in.Offset)
	return out, nil
})

// errorPlaces gives where to look.
func errorPlaces(ctx context.Context, snap *book.Snapshot, in findErrorsIn) (list []area, err error) {
	index := -1
	if in.Sheet != "" {
		if index, err = sheetNamed(snap, in.Sheet); err != nil {
			return nil, err
		}
	}
	switch {
	case in.Range != "":
		if index < 0 && !strings.Contains(in.Range, "!") {
			return nil, invalid("Give sheet_name too", "%q does not say on which sheet it is", clip(in.Range, 60))
		}
		return areas(ctx, snap, max(index, 0), in.Range)
	case index >= 0:
		return []area{{sheet: index, rng: cell.WholeSheet}}, nil
	}
	for i, info := range snap.Workbook().Sheets {
		if info.Kind == grid.Worksheet && info.Problem == "" {
			list = append(list, area{sheet: i, rng: cell.WholeSheet})
		}
	}
	return list, nil
}

// causes gathers errors by where they come from.
type causes struct {
	snap   *book.Snapshot
	list   []errorCause
	byCell map[string]int
	traced int
}

func (c *causes) add(ctx context.Context, index int, name string, sheet *grid.Sheet, x grid.Cell) error {
	at := address(name, x.Ref)
	cause := errorCause{Cell: at, Error: x.Value.Err().String()}
	if text := book.FormulaText(sheet, x); text == "" {
		cause.Reason = "it was entered as a value"
	} else if c.traced < tracedMax {
		c.traced++
		o, err := originOf(ctx, c.snap, index, x, text)
		if err != nil {
			return err
		}
		if o != nil {
			cause.Cell, cause.Function, cause.Reason = o.Cell, o.Function, o.Reason
		}
	} else {
		cause.Cell, cause.Reason = "", "not traced: there are too many errors"
	}
	key := cause.Cell + " " + cause.Error
	i, ok := c.byCell[key]
	if !ok {
		i = len(c.list)
		c.byCell[key] = i
		c.list = append(c.list, cause)
	}
	k := &c.list[i]
	if cause.Cell == at {
		k.Formula = clip(book.FormulaText(sheet, x), changeTextMax)
	}
	if k.Cells++; len(k.Samples) < causeSamples {
		k.Samples = append(k.Samples, at)
	}
	return nil
}

func (o *findErrorsOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %d cells have errors, of %d causes\n", plain(o.WorkbookID), o.Errors, o.Causes)
	for i := range o.List {
		c := &o.List[i]
		b = append(appendEscaped(b, c.Cell), ' ')
		b = append(b, c.Error...)
		if c.Formula != "" {
			b = appendEscaped(append(b, " ="...), c.Formula)
		}
		if c.Reason != "" {
			b = append(b, ": "...)
			if c.Function != "" {
				b = append(append(b, c.Function...), ": "...)
			}
			b = appendEscaped(b, c.Reason)
		}
		b = fmt.Appendf(b, "; %d cells: ", c.Cells)
		b = appendEscaped(b, strings.Join(c.Samples, ", "))
		if c.Cells > len(c.Samples) {
			b = append(b, ", …"...)
		}
		b = append(b, '\n')
	}
	return b
}
