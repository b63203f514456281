package tools

import (
	"fmt"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// calculated is what a change made of formulas.
type calculated struct {
	Cells     int           `json:"cells"`                    // that have another value though nobody edited them
	Results   []cellResult  `json:"results,omitempty"`        // of the formulas that were set
	Samples   []cellChanged `json:"samples,omitempty"`        // of the other cells
	NewErrors int           `json:"new_errors"`               // cells that were no error before
	Errors    []cellResult  `json:"error_samples,omitempty"`  // of these
	Circular  []string      `json:"circular_cells,omitempty"` // that depend on themselves
}

// cellResult is the value that a formula has.
type cellResult struct {
	Address string `json:"address"`
	Formula string `json:"formula,omitempty"`
	Value   told   `json:"value"`
}

// cellChanged is a value that became another one.
type cellChanged struct {
	Address string `json:"address"`
	Old     told   `json:"old"`
	New     told   `json:"new"`
}

// How many cells are told of each kind.
const (
	recalcResults = 10
	recalcSamples = 5
)

// told is a value as JSON has it: a number, a text, a logical value, null; an error is its
// name, which no text of a cell that is told beside formulas is likely to be.
type told struct{ cell.Value }

// appendJSON appends the value; nothing, which is null, for an empty cell.
func (t told) appendJSON(b []byte) []byte {
	switch t.Kind() {
	case cell.Blank:
		return b
	case cell.Number:
		return cell.AppendNumber(b, t.Number())
	case cell.Bool:
		return strconv.AppendBool(b, t.Bool())
	}
	return appendQuoted(b, clip(t.Value.String(), changeTextMax))
}

// appendText appends the value as the other lists of changes show one.
func (t told) appendText(b []byte) []byte {
	if t.IsBlank() {
		return append(b, "nothing"...)
	}
	return appendEscaped(b, clip(t.Value.String(), changeTextMax))
}

func address(sheet string, r cell.Ref) string { return cell.QuoteSheet(sheet) + "!" + r.String() }

// add takes a change into the account.
func (k *calculated) add(c *book.Change) {
	where := func() string { return address(c.Sheet, c.Ref) }
	if e := c.New.Value.Err(); e != 0 && c.Old.Value.Err() == 0 {
		if k.NewErrors++; len(k.Errors) < recalcResults {
			r := cellResult{Address: where(), Value: told{c.New.Value}}
			if c.New.HasFormula {
				r.Formula = formula.Display(c.New.Formula)
			}
			k.Errors = append(k.Errors, r)
		}
	}
	switch {
	case c.Calculated:
		if k.Cells++; len(k.Samples) < recalcSamples {
			k.Samples = append(k.Samples, cellChanged{where(), told{c.Old.Value}, told{c.New.Value}})
		}
	case c.New.HasFormula && c.Subtype != book.StyleEdit && len(k.Results) < recalcResults:
		k.Results = append(k.Results, cellResult{Address: where(), Value: told{c.New.Value}})
	}
}

func (k *calculated) appendText(b []byte) []byte {
	list := func(title string, n int, item func(i int)) {
		b = append(b, title...)
		for i := range n {
			if i > 0 {
				b = append(b, ", "...)
			}
			item(i)
		}
		b = append(b, '\n')
	}
	if n := len(k.Results); n > 0 {
		list("results: ", n, func(i int) {
			b = appendEscaped(b, k.Results[i].Address)
			b = append(b, " = "...)
			b = k.Results[i].Value.appendText(b)
		})
	}
	if n := len(k.Samples); n > 0 {
		title := fmt.Sprintf("%d cells recalculated: ", k.Cells)
		if k.Cells > n {
			title = fmt.Sprintf("%d cells recalculated, the first: ", k.Cells)
		}
		list(title, n, func(i int) {
			x := &k.Samples[i]
			b = append(appendEscaped(b, x.Address), ' ')
			b = append(x.Old.appendText(b), " => "...)
			b = x.New.appendText(b)
		})
	}
	if n := len(k.Errors); n > 0 {
		list(fmt.Sprintf("warning: %d cells are errors that were none: ", k.NewErrors), n, func(i int) {
			x := &k.Errors[i]
			b = append(appendEscaped(b, x.Address), ' ')
			b = x.Value.appendText(b)
			if x.Formula != "" {
				b = appendEscaped(append(b, " (="...), clip(x.Formula, 80))
				b = append(b, ')')
			}
		})
	}
	if len(k.Circular) > 0 {
		b = append(b, "warning: these cells depend on themselves: "...)
		b = append(appendEscaped(b, strings.Join(k.Circular, ", ")), '\n')
	}
	return b
}
