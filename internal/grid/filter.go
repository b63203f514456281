package grid

import "gridflow/internal/cell"

// Filter is the autofilter of a sheet. The names in JSON are those of the journal.
type Filter struct {
	None    bool           `json:"none,omitempty"` // there is none, and the rest means nothing
	Range   cell.Range     `json:"range"`          // with its header
	Columns []FilterColumn `json:"columns,omitempty"`
}

// FilterColumn is the criterion of one column of an autofilter. The names in JSON are those of the journal.
type FilterColumn struct {
	Column int      `json:"column"`           // from the first one of the range
	Values []string `json:"values,omitempty"` // shown texts that stay
	Blank  bool     `json:"blank,omitempty"`  // blank cells stay, too

	Custom []FilterTest `json:"custom,omitempty"` // one or two
	And    bool         `json:"and,omitempty"`    // both must hold

	Top     float64 `json:"top,omitempty"` // so many stay, 0: it is no such criterion
	Percent bool    `json:"percent,omitempty"`
	Bottom  bool    `json:"bottom,omitempty"`

	// Other is a criterion of another kind, by the name of its element: "colorFilter", "dynamicFilter", ….
	Other string `json:"other,omitempty"`
}

// FilterTest is one comparison, as files have it.
type FilterTest struct {
	Operator string `json:"operator,omitempty"` // "equal" where not given
	Value    string `json:"value,omitempty"`    // with wildcards for equal and notEqual
}

// Filter gives the autofilter of the sheet.
func (l *Layout) Filter() Filter {
	if l.AutoFilter == nil {
		return Filter{None: true}
	}
	return Filter{Range: *l.AutoFilter, Columns: l.Filters}
}
