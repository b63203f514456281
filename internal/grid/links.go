package grid

import "gridflow/internal/cell"

// Hyperlink is a link on a range. Target is outside, Location inside the workbook. The names in JSON are those of the
// journal.
type Hyperlink struct {
	Range    cell.Range `json:"range"`
	Target   string     `json:"target,omitempty"`
	Location string     `json:"location,omitempty"`
	Display  string     `json:"display,omitempty"`
	Tooltip  string     `json:"tooltip,omitempty"`
}

// Comment is a note on a cell, or the first post of a thread with its replies as text. The names in JSON are those of
// the journal.
type Comment struct {
	Ref      cell.Ref `json:"ref"`
	Author   string   `json:"author,omitempty"`
	Text     string   `json:"text,omitempty"`
	Threaded bool     `json:"threaded,omitempty"`
}
