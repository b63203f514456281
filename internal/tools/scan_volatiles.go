package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type scanVolatilesIn struct {
	Book
	Sheet          string `json:"sheet_name" doc:"All sheets unless given"`
	SummaryOnly    *bool  `json:"summary_only" doc:"Counts for each sheet and function"`
	Addresses      *bool  `json:"include_addresses"`
	AddressesLimit int    `json:"addresses_limit" default:"15" min:"1" max:"10000" doc:"Ranges for each function of a sheet"`
	Limit          int    `json:"limit" default:"100" min:"1" max:"500" clamp:"max"`
	Offset         int    `json:"offset" default:"0" min:"0"`
	ParsePolicy    string `json:"formula_parse_policy" default:"warn" enum:"fail|warn|off"`
}

type scanVolatilesOut struct {
	Cut
	WorkbookID  string         `json:"workbook_id"`
	Items       []volatileItem `json:"items"`
	TotalCells  int            `json:"total_cells"`
	Names       []volatileName `json:"volatile_names"`
	Diagnostics *parseFailures `json:"formula_parse_diagnostics"`
	NextOffset  int            `json:"next_offset,omitempty"`

	where string
}

// volatileItem is a range of volatile formulas, or all of a sheet that call one
// function where only the summary is asked for.
type volatileItem struct {
	Address   string   `json:"address"`
	Sheet     string   `json:"sheet_name"`
	Function  string   `json:"function"`
	Note      string   `json:"note,omitempty"`
	Count     int      `json:"count"`
	Addresses []string `json:"addresses"`
	Through   string   `json:"through_name,omitempty"`
	Formula   string   `json:"formula,omitempty"`

	left int
}

type volatileName struct {
	Name      string   `json:"name"`
	Functions []string `json:"functions"`
	RefersTo  string   `json:"refers_to"`
	Sheet     string   `json:"scope_sheet_name,omitempty"`
}

var scanVolatiles = define(Spec{
	Name: "scan_volatiles", Title: "Find volatile formulas", Toolset: "analysis", Reach: ReachBook,
	Description: "Formulas and names that Excel calculates anew at every change: NOW, TODAY, RAND, RANDBETWEEN, RANDARRAY, OFFSET, INDIRECT, INFO, CELL.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, viewed(volatiles))

// volatileNamesMax bounds the names that a result lists.
const volatileNamesMax = 50

func volatiles(ctx context.Context, env *Env, snap *book.Snapshot, in scanVolatilesIn) (*scanVolatilesOut, error) {
	where, err := searchPlace(ctx, snap, in.Sheet, "", nil)
	if err != nil {
		return nil, err
	}
	wb := snap.Workbook()
	names := analyze.VolatileNames(wb)
	out := &scanVolatilesOut{WorkbookID: snap.ID, where: where.name}
	for _, n := range names[:min(len(names), volatileNamesMax)] {
		row := volatileName{Name: wb.Names[n.Index].Name, Functions: n.Functions, RefersTo: clip(wb.Names[n.Index].RefersTo, 200)}
		if s := wb.Names[n.Index].Sheet; s >= 0 && s < len(wb.Sheets) {
			row.Sheet = wb.Sheets[s].Name
		}
		out.Names = append(out.Names, row)
	}
	summary := orElse(in.SummaryOnly, !env.verbose())
	addresses := orElse(in.Addresses, !summary || env.Profile != Compat)
	lim := env.budget(in.Limit)
	list := volatileList{in: in, out: out, lim: &lim}
	var failed error
	out.Diagnostics, err = parseDiagnostics(in.ParsePolicy, func(d *analyze.Diagnostics) {
		for i, index := range where.sheets {
			if len(where.sheets) > 1 {
				ReportProgress(ctx, float64(i), float64(len(where.sheets)), "reading the formulas of "+wb.Sheets[index].Name)
			}
			if failed = list.sheet(ctx, snap, index, names, d, summary, addresses); failed != nil {
				return
			}
		}
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	onward(&out.Cut, &out.NextOffset, portion{"items", len(out.Items), list.met, false}, "scan_volatiles", &in, &in.Offset)
	return out, nil
}

// volatileList collects the page of items.
type volatileList struct {
	in   scanVolatilesIn
	out  *scanVolatilesOut
	lim  *budget
	met  int  // items of all pages
	full bool // the page has no room
}

func (l *volatileList) add(item volatileItem) {
	l.met++
	if l.met <= l.in.Offset || l.full {
		return
	}
	if l.full = !l.lim.takeEntry(&item); !l.full {
		l.out.Items = append(l.out.Items, item)
	}
}

// sheet adds what is volatile on one sheet.
func (l *volatileList) sheet(ctx context.Context, snap *book.Snapshot, index int, names []analyze.VolatileName, d *analyze.Diagnostics, summary, addresses bool) error {
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return err
	}
	f, err := analyze.FormulasOf(ctx, sheet)
	if err != nil {
		return err
	}
	if err := d.Diagnose(ctx, sheet, f); err != nil {
		return err
	}
	wb := snap.Workbook()
	runs, err := analyze.Volatiles(ctx, wb, index, sheet, f, names)
	if err != nil {
		return err
	}
	name := wb.Sheets[index].Name
	groups := make(map[string]int)
	var items []volatileItem
	for _, r := range runs {
		l.out.TotalCells += int(r.Range.Cells())
		function := strings.Join(r.Functions, ", ")
		if !summary {
			c, _ := sheet.At(r.Range.First)
			item := volatileItem{Address: r.Range.String(), Sheet: name, Function: function, Count: int(r.Range.Cells()), Through: r.Name, Formula: clip(book.FormulaText(sheet, c), 300)}
			item.Note = item.Formula
			l.add(item)
			continue
		}
		i, ok := groups[function]
		if !ok {
			i = len(items)
			groups[function] = i
			items = append(items, volatileItem{Sheet: name, Function: function, Through: r.Name})
		}
		items[i].Count += int(r.Range.Cells())
		switch {
		case !addresses:
		case len(items[i].Addresses) < l.in.AddressesLimit:
			items[i].Addresses = append(items[i].Addresses, r.Range.String())
		default:
			items[i].left++
		}
	}
	for _, item := range items {
		item.Note = fmt.Sprintf("Count: %d", item.Count)
		l.add(item)
	}
	return nil
}

func (o *scanVolatilesOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s in %s\n", counted(o.TotalCells, "volatile formula", "volatile formulas"), o.where)
	for _, i := range o.Items {
		b = append(b, cell.QuoteSheet(i.Sheet)...)
		if i.Address != "" {
			b = append(append(b, '!'), i.Address...)
		}
		b = fmt.Appendf(b, "\t%s\t×%d", i.Function, i.Count)
		if len(i.Addresses) > 0 {
			b = append(append(b, "\tin "...), joinClipped(i.Addresses, len(i.Addresses))...)
		}
		if i.left > 0 {
			b = fmt.Appendf(b, " and %s", counted(i.left, "more range", "more ranges"))
		}
		if i.Formula != "" {
			b = appendEscaped(append(b, "\t="...), i.Formula)
		}
		if i.Through != "" {
			b = append(append(b, "\tthrough the name "...), i.Through...)
		}
		b = append(b, '\n')
	}
	for _, n := range o.Names {
		b = fmt.Appendf(b, "name %s\t%s\t=", n.Name, strings.Join(n.Functions, ", "))
		b = append(appendEscaped(b, n.RefersTo), '\n')
	}
	return o.Diagnostics.appendText(b)
}
