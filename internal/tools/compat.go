package tools

import (
	"slices"
	"strings"
)

// recast is a result that says some things otherwise in the compat profile than in all others: it is told
// to before it is encoded there.
type recast interface{ recast() }

// allCounts are what spreadsheet-mcp counts of a tool's changes, 0 included. What is zero is left out elsewhere.
var allCounts = map[string][]string{
	"transform_batch": {
		"cells_touched", "cells_value_set", "cells_formula_set", "cells_value_cleared", "cells_formula_cleared",
		"cells_value_replaced", "cells_formula_replaced", "cells_skipped_keep_formulas",
	},
	"style_batch":       {"cells_touched", "cells_style_changed"},
	"column_size_batch": {"columns_sized", "auto_ops", "width_ops"},
	"grid_import":       {"cells_value_set", "cells_formula_set", "columns_sized"}, // what else it counts there nobody counts here
}

// recast puts an account of a tool's change into spreadsheet-mcp's words: the tool is the kind of its
// operations, ranges have no sheet, and what it counts is there though it is 0.
func (s *summary) recast(tool string) {
	s.Kinds = []string{tool}
	bounds := make([]string, len(s.Bounds))
	for i, b := range s.Bounds {
		bounds[i] = b[strings.LastIndexByte(b, '!')+1:]
	}
	s.Bounds = slices.Compact(bounds)
	if s.Counts["rows_cloned"] > 0 && tool == "structure_batch" { // copies are rows that come
		s.Counts["rows_inserted"] += s.Counts["rows_cloned"]
	}
	for _, name := range allCounts[tool] {
		if _, said := s.Counts[name]; !said {
			if s.Counts == nil {
				s.Counts = map[string]int{}
			}
			s.Counts[name] = 0
		}
	}
}

func (o *committed) recast() { o.Summary.recast(o.tool) }

func (o *applyStagedOut) recast() { o.Summary.recast(o.tool) }

// recast gives each warning as a code and a message, as spreadsheet-mcp does in this tool and not in its
// other ones that edit.
func (o *editBatchOut) recast() {
	o.committed.recast()
	for i, w := range o.Warnings {
		text, _ := w.(string)
		o.Warnings[i] = codedWarning(text)
	}
}

// codedWarning takes "CODE: message" apart.
func codedWarning(text string) warning {
	code, message, ok := strings.Cut(text, ": ")
	if !ok || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return warning{"WARN", text}
	}
	return warning{code, message}
}
