package tools

import (
	"context"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// errorOrigin says where the error value of a cell arose.
type errorOrigin struct {
	Cell     string `json:"cell"`
	Steps    int    `json:"steps"` // cells that it went through from there
	Function string `json:"function,omitempty"`
	Reason   string `json:"reason"`
}

// originOf gives the origin of the error value that the formula of a cell gave, nil where there
// is none.
func originOf(ctx context.Context, snap *book.Snapshot, sheet int, c grid.Cell, formula string) (*errorOrigin, error) {
	if c.Value.Err() == 0 || formula == "" {
		return nil, nil
	}
	o, ok, err := snap.Explain(ctx, sheet, c.Ref)
	if err != nil || !ok {
		return nil, err
	}
	return &errorOrigin{address(o.Cell.Sheet, o.Cell.Ref), o.Steps, o.Function, o.Reason}, nil
}

func (o *errorOrigin) appendText(b []byte) []byte {
	b = append(b, "from "...)
	b = append(appendEscaped(b, o.Cell), ": "...)
	if o.Function != "" {
		b = append(append(b, o.Function...), ": "...)
	}
	return appendEscaped(b, o.Reason)
}

type explainCellIn struct {
	Book
	Sheet string `json:"sheet_name" required:"true"`
	Cell  string `json:"cell_address" required:"true"`
}

type explainCellOut struct {
	WorkbookID string          `json:"workbook_id"`
	SheetName  string          `json:"sheet_name"`
	Address    string          `json:"address"`
	Value      *typed          `json:"value"`
	Formula    string          `json:"formula,omitempty"`
	Array      string          `json:"array,omitempty"` // the range that the array formula fills
	Precedents []precedentPart `json:"precedents"`
	More       int             `json:"more_precedents,omitempty"`
	Origin     *errorOrigin    `json:"error_origin,omitempty"`
}

// precedentPart is a range that the formula reads.
type precedentPart struct {
	Range  string       `json:"range"`
	Cells  int64        `json:"cells"`            // of the range
	Filled int          `json:"filled,omitempty"` // of these, where there are more than are shown; counted up to a bound
	Values []cellResult `json:"values"`           // the first that are filled
}

// Bounds of what is shown of precedents.
const (
	precedentsMax      = 20
	precedentValuesMax = 5
	precedentCountMax  = 10_000
)

var explainCell = define(Spec{
	Name: "explain_cell", Title: "Explain a cell", Toolset: "analysis", Reach: ReachBook,
	Description: "Why a cell has its value: the formula, what it reads with the values there, and of an error the cell, function and reason it comes from.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","cell_address":"D10"}`,
}, viewed(explain))

func explain(ctx context.Context, _ *Env, snap *book.Snapshot, in explainCellIn) (*explainCellOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	a, err := oneArea(ctx, snap, index, in.Cell)
	if err != nil {
		return nil, err
	}
	if a.rng.Cells() != 1 {
		return nil, fail(codeRangeInvalid, "Name one cell", "%s is not one cell", clip(in.Cell, 60))
	}
	sheet, err := snap.Sheet(ctx, a.sheet)
	if err != nil {
		return nil, err
	}
	at := a.rng.First
	c, ok := sheet.At(at)
	if !ok {
		c.Ref = at
	}
	sheets := snap.Workbook().Sheets
	out := &explainCellOut{WorkbookID: snap.ID, SheetName: sheets[a.sheet].Name, Address: at.String(), Value: valuesOf(snap).typed(c), Formula: book.FormulaText(sheet, c), Precedents: []precedentPart{}}
	for f := range sheet.Arrays(a.rng) {
		out.Array = f.Range.String()
	}
	touches(ctx, snap, a) // where it is not stale, nothing is that it is computed from
	if out.Origin, err = originOf(ctx, snap, a.sheet, c, out.Formula); err != nil || out.Formula == "" {
		return out, err
	}
	reads, err := snap.Precedents(ctx, a.sheet, at)
	if err != nil {
		return nil, err
	}
	for r := range reads {
		if len(out.Precedents) == precedentsMax {
			out.More++
			continue
		}
		p := precedentPart{Range: cell.QuoteSheet(sheets[r.Sheet].Name) + "!" + r.Range.String(), Cells: r.Range.Cells(), Values: []cellResult{}}
		if r.Range.First == r.Range.Last {
			p.Range = address(sheets[r.Sheet].Name, r.Range.First)
		}
		from, err := snap.Sheet(ctx, r.Sheet)
		if err != nil {
			return nil, err
		}
		filled := 0
		for x := range from.Cells(r.Range) {
			if x.Value.IsBlank() {
				continue
			}
			if filled++; filled <= precedentValuesMax {
				p.Values = append(p.Values, cellResult{Address: x.Ref.String(), Formula: clip(book.FormulaText(from, x), changeTextMax), Value: told{x.Value}})
			}
			if filled == precedentCountMax {
				break
			}
		}
		if filled > precedentValuesMax {
			p.Filled = filled
		}
		out.Precedents = append(out.Precedents, p)
	}
	return out, nil
}

func (o *explainCellOut) appendText(b []byte, _ bool) []byte {
	b = appendEscaped(b, cell.QuoteSheet(o.SheetName)+"!"+o.Address)
	b = append(b, " is "...)
	if o.Value == nil {
		b = append(b, "empty"...)
	} else {
		b = o.Value.w.appendField(b, o.Value.c)
	}
	if o.Formula != "" {
		b = appendEscaped(append(b, ", from ="...), o.Formula)
	}
	if o.Array != "" {
		b = append(append(b, ", an array in "...), o.Array...)
	}
	b = append(b, '\n')
	if o.Origin != nil {
		b = append(o.Origin.appendText(append(b, "the error comes "...)), '\n')
	}
	for i := range o.Precedents {
		p := &o.Precedents[i]
		b = appendEscaped(append(b, "reads "...), p.Range)
		if len(p.Values) == 0 {
			b = append(b, ": empty"...)
		}
		for k := range p.Values {
			v := &p.Values[k]
			sep := ", "
			if k == 0 {
				sep = ": "
			}
			b = append(b, sep...)
			if p.Cells > 1 {
				b = append(append(b, v.Address...), ' ')
			}
			b = v.Value.appendText(b)
			if v.Formula != "" {
				b = append(appendEscaped(append(b, " (="...), clip(v.Formula, 80)), ')')
			}
		}
		if p.Filled > 0 {
			least := ""
			if p.Filled == precedentCountMax {
				least = "at least "
			}
			b = fmt.Appendf(b, ", … (%s%d filled)", least, p.Filled)
		}
		b = append(b, '\n')
	}
	if o.More > 0 {
		b = fmt.Appendf(b, "and %d more ranges: formula_trace shows them\n", o.More)
	}
	return b
}
