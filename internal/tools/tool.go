package tools

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// Tool is one row of the tool table: everything that the MCP edge, the shell
// command `gridflow call`, the generated reference and the golden schemas need.
// A Tool is immutable; Call may run from any number of goroutines at once.
type Tool struct {
	Name        string // as in tools/list, for example "range_values"
	Title       string // a few words for people
	Description string // for the model: what it gives, when to use it; below 2 KB
	Toolset     string // the group that --toolsets selects
	Core        bool   // part of the default toolset "core"
	Example     string // arguments of a typical call, as JSON

	Reach Reach // how much of a workbook a call looks at: what it will cost
	Disk  bool  // a call writes a file or copies one

	// Office is what a call takes of LibreOffice: each, or where the tool has an argument
	// "backend" those that name it there.
	Office Office

	ReadOnly    bool // changes nothing
	Destructive bool // may destroy something that cannot be had back
	Idempotent  bool // calling twice with the same arguments equals calling once

	// Schema gives the JSON Schema of the arguments, flat (no unions, no $ref), and Params the same for
	// documentation and the command line. They are made at the first call: a program that starts needs none.
	Schema func() json.RawMessage
	Params func() []Param

	// Call decodes args strictly, runs the tool and renders its result. The error
	// is an *Error where the caller can do something about it; anything else is a
	// fault of the server. It stops soon after ctx is done.
	Call func(ctx context.Context, env *Env, args json.RawMessage) (*Result, error)
}

// Reach says how much of a workbook a call looks at.
type Reach uint8

// From little to much.
const (
	ReachPart    Reach = iota // some rows, or what stands outside of the sheets
	ReachNothing              // no workbook at all: such a call is let in whatever else waits
	ReachSheet                // a whole sheet
	ReachBook                 // every sheet
)

// Office says what a call takes of LibreOffice.
type Office string

// What calls have LibreOffice do.
const (
	OfficeNothing Office = ""
	OfficeRecalc  Office = "recalc"  // calculate a workbook
	OfficeRender  Office = "render"  // draw a sheet
	OfficeConvert Office = "convert" // write a document in another format
)

// TakesOffice tells what a call whose argument "backend" is the one given takes of LibreOffice,
// and whether it calculates by itself too.
func (t *Tool) TakesOffice(backend string) (office Office, itself bool) {
	chooses := false
	if t.Office != OfficeNothing {
		chooses = slices.ContainsFunc(t.Params(), func(p Param) bool { return p.Name == "backend" })
	}
	switch {
	case !chooses || strings.EqualFold(backend, "libreoffice"):
		return t.Office, false
	case strings.EqualFold(backend, "both"):
		return t.Office, true
	}
	return OfficeNothing, true
}

// Param describes one argument of a tool.
type Param struct {
	Name     string
	Aliases  []string
	Type     string // "string", "integer", "number", "boolean", "array of string", …
	Doc      string
	Required bool
	Default  string   // as JSON text, "" where there is none
	Enum     []string // allowed values, nil where any
	Min, Max *float64
}

// Result is what a tool gives back, already rendered under the byte budget.
type Result struct {
	Text       string          // what the model reads
	Structured json.RawMessage // set only in the compat profile (or by tools that always have it)
	Links      []ResourceLink  // resources that hold the same data
	Images     []Image         // what the model sees
}

// Image is a picture that is part of a result.
type Image struct {
	MIMEType string
	Data     []byte
}

// ResourceLink points a client at a resource of this server.
type ResourceLink struct {
	URI, Name, MIMEType string
}

// Error is a failure that the caller can understand and mend. It becomes an isError
// result whose text is "CODE: message. hint", never a protocol error.
type Error struct {
	Code    string // for programs: "SHEET_NOT_FOUND", "INVALID_PARAMS", …
	Message string // what is wrong, with the value that was given
	Hint    string // what to do next, with the nearest valid names or a corrected call

	RetryAfterMillis int64          // when trying again may help; 0 otherwise
	Details          map[string]any // the same for programs, nil where Code says it all
}

// Error gives the text that the caller reads, which is one line: the names of files and of what
// is in them are quoted in it, and come from anywhere.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Hint != "" {
		s = sentences(s, e.Hint)
	}
	return seen(s)
}
