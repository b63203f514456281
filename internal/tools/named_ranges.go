package tools

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

type namedRangesIn struct {
	Book
	Sheet  string `json:"sheet_name" doc:"Only names of this sheet or of cells on it, and tables on it"`
	Prefix string `json:"name_prefix"`
	Limit  int    `json:"limit" default:"500" min:"1" max:"5000"`
	Offset int    `json:"offset" default:"0" min:"0"`
}

type namedRangesOut struct {
	Cut
	WorkbookID string     `json:"workbook_id"`
	Items      []nameItem `json:"items"`
	NextOffset int        `json:"next_offset,omitempty"`
}

type nameItem struct {
	Name           string `json:"name"`
	Scope          string `json:"scope,omitempty"`
	ScopeKind      string `json:"scope_kind,omitempty"`
	ScopeSheetName string `json:"scope_sheet_name,omitempty"`
	RefersTo       string `json:"refers_to"`
	Kind           string `json:"kind"`
	SheetName      string `json:"sheet_name,omitempty"`
	Comment        string `json:"comment,omitempty"`
}

var namedRanges = define(Spec{
	Name: "named_ranges", Title: "List defined names and tables", Toolset: "read", Core: true,
	Description: "Defined names (ranges and formulas) and tables of a workbook, with what they refer to. Hidden names are left out.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","name_prefix":"tax"}`,
}, viewed(readNames))

func readNames(ctx context.Context, env *Env, snap *book.Snapshot, in namedRangesIn) (*namedRangesOut, error) {
	wb := snap.Workbook()
	only := -1
	if in.Sheet != "" {
		i, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		only = i
	}
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := &namedRangesOut{WorkbookID: snap.ID}
	lim := env.budget(in.Limit)
	total, full := 0, false
	add := func(item nameItem) {
		total++
		if total <= in.Offset || full {
			return
		}
		if full = !lim.takeEntry(&item); !full {
			out.Items = append(out.Items, item)
		}
	}
	for i := range wb.Names {
		n := &wb.Names[i]
		if n.Hidden || !hasPrefixFold(n.Name, in.Prefix) {
			continue
		}
		item := describeName(wb, n)
		// A name of the workbook is one of the sheet that its cells are on as well.
		if only >= 0 && n.Sheet != only && (n.Sheet >= 0 || !strings.EqualFold(item.SheetName, wb.Sheets[only].Name)) {
			continue
		}
		add(item)
	}
	for i := range tables {
		t := &tables[i]
		if only >= 0 && t.Sheet != only || !hasPrefixFold(t.Name, in.Prefix) {
			continue
		}
		sheet := wb.Sheets[t.Sheet].Name
		add(nameItem{Name: t.Name, Scope: "workbook", ScopeKind: "workbook", RefersTo: qualified(sheet, t.Range), Kind: "table", SheetName: sheet})
	}
	onward(&out.Cut, &out.NextOffset, portion{"entries", len(out.Items), total, false}, "named_ranges", &in, &in.Offset)
	return out, nil
}

// describeName says what a defined name is: a named_range if it is one range (then
// with the sheet it lies on), otherwise a formula.
func describeName(wb *grid.Workbook, n *grid.Name) nameItem {
	item := nameItem{Name: n.Name, RefersTo: formula.Display(n.RefersTo), Kind: "unknown", Comment: n.Comment, Scope: "workbook", ScopeKind: "workbook"}
	if n.Sheet >= 0 && n.Sheet < len(wb.Sheets) {
		item.Scope, item.ScopeKind, item.ScopeSheetName = wb.Sheets[n.Sheet].Name, "sheet", wb.Sheets[n.Sheet].Name
	}
	tree, err := formula.Parse(n.RefersTo)
	if err != nil {
		return item
	}
	item.Kind = "formula"
	areas := 0
	var visit func(*formula.Node) bool
	visit = func(m *formula.Node) bool {
		switch {
		case m.Kind == formula.Ref && m.Ref.Kind <= formula.RowsRef:
			areas++
			if item.SheetName == "" && m.Ref.Book() == "" {
				item.SheetName = m.Ref.Sheet()
			}
			return true
		case m.Kind == formula.Paren, m.Kind == formula.Binary && m.Op == formula.OpUnion:
			for _, k := range m.Kids {
				if !visit(k) {
					return false
				}
			}
			return true
		}
		return false
	}
	if visit(tree.Root) && areas > 0 {
		item.Kind = "named_range"
	} else {
		item.SheetName = ""
	}
	return item
}

func (o *namedRangesOut) appendText(b []byte, _ bool) []byte {
	if len(o.Items) == 0 && o.Next == "" {
		return append(b, "no names or tables\n"...)
	}
	b = append(b, "name\tkind\trefers to\tscope\n"...)
	for _, i := range o.Items {
		b = append(appendEscaped(b, i.Name), '\t')
		b = append(append(b, strings.TrimPrefix(i.Kind, "named_")...), '\t')
		b = appendEscaped(b, i.RefersTo)
		if i.ScopeSheetName != "" {
			b = appendEscaped(append(b, '\t'), i.ScopeSheetName)
		}
		if i.Comment != "" {
			b = appendEscaped(append(b, "\t# "...), i.Comment)
		}
		b = append(b, '\n')
	}
	return b
}
