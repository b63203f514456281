package tools

import (
	"context"
	"encoding/json"
	"fmt"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type findFormulaIn struct {
	Book
	Query          string `json:"query" required:"true" doc:"Part of the formula text: a function, a name, an address"`
	Sheet          string `json:"sheet_name" doc:"All sheets unless given"`
	CaseSensitive  bool   `json:"case_sensitive" default:"false"`
	IncludeContext bool   `json:"include_context" default:"false" doc:"The cells around each match"`
	Limit          int    `json:"limit" default:"50" min:"1" max:"500" clamp:"both"`
	Offset         int    `json:"offset" default:"0" min:"0"`
	ContextRows    int    `json:"context_rows" default:"1" min:"0" max:"20" clamp:"max" doc:"In all, half above and half below"`
	ContextCols    int    `json:"context_cols" default:"1" min:"0" max:"20" clamp:"max" doc:"In all, half on each side"`
}

type findFormulaOut struct {
	Cut
	WorkbookID   string         `json:"workbook_id"`
	Matches      []foundFormula `json:"matches"`
	MatchCount   int            `json:"match_count"`
	CountMinimum bool           `json:"match_count_is_minimum,omitempty"`
	NextOffset   int            `json:"next_offset,omitempty"`

	where string
}

type foundFormula struct {
	Address     string            `json:"address"`
	Sheet       string            `json:"sheet_name"`
	Formula     string            `json:"formula"`
	CachedValue *typed            `json:"cached_value"`
	Context     []json.RawMessage `json:"context"`

	around []string // the context as text
}

var findFormula = define(Spec{
	Name: "find_formula", Title: "Find formulas", Toolset: "analysis", Core: true, Reach: ReachBook,
	Description: "Search the text of formulas, in any sheet. Spaces count as written. For an overview of all formulas call sheet_formula_map.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","query":"VLOOKUP("}`,
}, viewed(findFormulas))

func findFormulas(ctx context.Context, env *Env, snap *book.Snapshot, in findFormulaIn) (*findFormulaOut, error) {
	// Of spreadsheet-mcp's tool an empty query finds all.
	all := in.Query == "" && env.Profile == Compat
	if (in.Query == "" || in.Query == "=") && !all {
		return nil, invalid(`Give a part of the formula, such as "SUM(" or "Rates!"`, "there is nothing to look for")
	}
	query := in.Query
	if !all && query[0] == '=' {
		query = query[1:] // the texts have none
	}
	m, err := matcher(query, "contains", in.CaseSensitive)
	if err != nil {
		return nil, err
	}
	where, err := searchPlace(ctx, snap, in.Sheet, "", nil)
	if err != nil {
		return nil, err
	}
	lim := env.budget(in.Limit)
	page := analyze.Page{Offset: in.Offset, Limit: env.Caps.items(in.Limit), MaxAfter: countCells}
	out := &findFormulaOut{WorkbookID: snap.ID, Matches: []foundFormula{}, where: where.name}
	full := false
	for i, index := range where.sheets {
		name := snap.Workbook().Sheets[index].Name
		if len(where.sheets) > 1 {
			ReportProgress(ctx, float64(i), float64(len(where.sheets)), "searching "+name)
		}
		sheet, err := snap.Sheet(ctx, index)
		if err != nil {
			return nil, err
		}
		hits, err := analyze.FindFormulas(ctx, analyze.ViewOf(snap.Workbook(), sheet), m, &page)
		if err != nil {
			return nil, err
		}
		w := valuesOf(snap)
		for _, c := range hits {
			if full {
				break
			}
			row := foundFormula{Address: c.Ref.String(), Sheet: name, Formula: book.FormulaText(sheet, c), CachedValue: w.typed(c)}
			if in.IncludeContext {
				row.addContext(env, w, sheet, c.Ref, in)
			}
			if full = !lim.takeEntry(&row); !full {
				out.Matches = append(out.Matches, row)
			}
		}
		if page.Cut {
			break
		}
	}
	out.MatchCount, out.CountMinimum = page.Total, page.Cut
	onward(&out.Cut, &out.NextOffset, portion{"matches", len(out.Matches), page.Total, page.Cut}, "find_formula", &in, &in.Offset)
	return out, nil
}

// addContext adds row 1 and the cells around a match.
func (f *foundFormula) addContext(env *Env, w values, sheet *grid.Sheet, at cell.Ref, in findFormulaIn) {
	g := gridRows{w: w, sheet: sheet, cols: colSpan(max(at.Col-in.ContextCols/2, 0), min(at.Col+in.ContextCols/2, cell.MaxCols-1))}
	first, last := max(at.Row-in.ContextRows/2, 0), min(at.Row+in.ContextRows/2, cell.MaxRows-1)
	add := func(row int) {
		if env.Profile != Compat {
			if text := g.appendTSV(nil, row); len(text) > 0 {
				f.around = append(f.around, string(text))
			}
			return
		}
		b := fmt.Appendf(nil, `{"row_index":%d,"cells":`, row+1)
		b = g.list(b, row, func(b []byte, c grid.Cell) []byte {
			b, _ = appendJSON(b, w.snapshot(sheet, c, true, false), 0)
			return b
		})
		f.Context = append(f.Context, append(b, '}'))
	}
	if env.Profile != Compat {
		f.around = append(f.around, string(g.appendLetters(nil)))
	}
	if first > 0 {
		add(0)
	}
	for row := first; row <= last; row++ {
		add(row)
	}
}

func (o *findFormulaOut) appendText(b []byte, _ bool) []byte {
	b = append(b, counted(o.MatchCount, "formula", "formulas")...)
	if o.CountMinimum {
		b = append(b, " or more"...)
	}
	b = append(append(append(b, " in "...), o.where...), '\n')
	for _, m := range o.Matches {
		b = append(append(append(b, cell.QuoteSheet(m.Sheet)...), '!'), m.Address...)
		b = appendEscaped(append(b, "\t="...), m.Formula)
		b = m.CachedValue.appendField(append(b, '\t'))
		b = append(b, '\n')
		for _, line := range m.around {
			b = append(append(b, "  "...), line...)
		}
	}
	return b
}
