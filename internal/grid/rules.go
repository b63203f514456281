package grid

import "gridflow/internal/cell"

// Validation is a data-validation rule. The names in JSON are those of the journal.
type Validation struct {
	Ranges       []cell.Range `json:"ranges"`
	Type         string       `json:"type"`               // "list", "whole", "decimal", "date", "time", "textLength", "custom", "none"
	Operator     string       `json:"operator,omitempty"` // "between" where not given
	Formula1     string       `json:"formula1,omitempty"`
	Formula2     string       `json:"formula2,omitempty"`
	AllowBlank   bool         `json:"allow_blank,omitempty"`
	HideDropDown bool         `json:"hide_drop_down,omitempty"`
	ErrorStyle   string       `json:"error_style,omitempty"` // "stop" where not given; "warning", "information"
	ShowError    bool         `json:"show_error,omitempty"`  // what is wrong is refused, or asked about
	ErrorTitle   string       `json:"error_title,omitempty"`
	Error        string       `json:"error,omitempty"`
	ShowPrompt   bool         `json:"show_prompt,omitempty"`
	PromptTitle  string       `json:"prompt_title,omitempty"`
	Prompt       string       `json:"prompt,omitempty"`
	Extension    bool         `json:"extension,omitempty"` // it stands among what newer versions of Excel add
}

// ConditionalFormat is one conditional-formatting rule. The names in JSON are those of the journal.
type ConditionalFormat struct {
	Ranges     []cell.Range `json:"ranges"`
	Type       string       `json:"type"` // "cellIs", "expression", "colorScale", "dataBar", "iconSet", …
	Operator   string       `json:"operator,omitempty"`
	Formulas   []string     `json:"formulas,omitempty"`
	Priority   int          `json:"priority,omitempty"` // the lowest counts most
	DxfID      int          `json:"dxf"`                // in Styles.Dxfs; -1 where none
	StopIfTrue bool         `json:"stop,omitempty"`
	Text       string       `json:"text,omitempty"` // of containsText and the like
	TimePeriod string       `json:"time_period,omitempty"`
	Rank       int          `json:"rank,omitempty"` // of top10, as the two that follow
	Percent    bool         `json:"percent,omitempty"`
	Bottom     bool         `json:"bottom,omitempty"`

	Below  bool `json:"below,omitempty"`   // of aboveAverage, as the two that follow
	Equal  bool `json:"equal,omitempty"`   // the average itself counts
	StdDev int  `json:"std_dev,omitempty"` // standard deviations from it

	Stops     []Stop   `json:"stops,omitempty"`  // of a scale, a bar or icons
	Colors    []string `json:"colors,omitempty"` // of a scale or bar, as package xf spells them
	IconSet   string   `json:"icon_set,omitempty"`
	HideValue bool     `json:"hide_value,omitempty"` // only the bar or the icon is shown
	Reverse   bool     `json:"reverse,omitempty"`    // the order of the icons

	// Look says how cells look that a rule of an edit holds for, by leaves of package xf; nil where DxfID does.
	Look map[string]string `json:"look,omitempty"`
	// Detail is the id under which an extension says more of the rule.
	Detail    string `json:"detail,omitempty"`
	Extension bool   `json:"extension,omitempty"` // it stands among what newer versions of Excel add
}

// Stop is a threshold of a scale, a bar or icons.
type Stop struct {
	Type  string `json:"type"` // "min", "max", "num", "percent", "percentile", "formula"
	Value string `json:"value,omitempty"`
	Above bool   `json:"above,omitempty"` // the value itself lies below it
}
