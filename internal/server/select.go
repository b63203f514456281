package server

import (
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/nearest"
	"gridflow/internal/tools"
)

// A Selection says which rows of the table a server offers. Exclude wins over ReadOnly,
// and that over Toolsets and Tools, which add up.
type Selection struct {
	Toolsets []string // "core", "all", or the name of a toolset
	Tools    []string
	Exclude  []string
	ReadOnly bool // only tools that change nothing
}

// A SelectionError names a tool or toolset that is not there.
type SelectionError struct {
	Kind string // "toolset", "tool" or "excluded tool"
	Name string
	Near []string // what may have been meant, nearest first
	All  []string // what there is
}

func (e *SelectionError) Error() string {
	hint := "there are " + strings.Join(e.All, ", ")
	if len(e.Near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", e.Near[0])
	}
	kind := e.Kind
	if kind == "excluded tool" {
		kind = "tool" // whatever it was named for
	}
	return fmt.Sprintf("there is no %s %q; %s", kind, e.Name, hint)
}

// Select gives the rows of the table that the selection keeps, in the table's order.
// The error is a *SelectionError.
func Select(table []tools.Tool, sel Selection) ([]tools.Tool, error) {
	toolsets := []string{"all", "core"}
	var names []string
	for _, t := range table {
		names = append(names, t.Name)
		if !slices.Contains(toolsets, t.Toolset) && t.Toolset != "" {
			toolsets = append(toolsets, t.Toolset)
		}
	}
	slices.Sort(toolsets)
	for _, check := range []struct {
		kind  string
		given []string
		known []string
	}{{"toolset", sel.Toolsets, toolsets}, {"tool", sel.Tools, names}, {"excluded tool", sel.Exclude, names}} {
		for _, name := range check.given {
			if !slices.Contains(check.known, name) {
				return nil, &SelectionError{check.kind, name, nearest.Names(name, check.known, 1), check.known}
			}
		}
	}
	var kept []tools.Tool
	for _, t := range table {
		wanted := slices.Contains(sel.Tools, t.Name) || slices.Contains(sel.Toolsets, "all") ||
			t.Core && slices.Contains(sel.Toolsets, "core") || slices.Contains(sel.Toolsets, t.Toolset)
		if wanted && !(sel.ReadOnly && !t.ReadOnly) && !slices.Contains(sel.Exclude, t.Name) {
			kept = append(kept, t)
		}
	}
	return kept, nil
}
