package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A prompt is a task that a person starts by name from the client.
type prompt struct {
	name, title, description string
	args                     []*mcp.PromptArgument
	// text holds {argument} where the value goes. A line that names an argument which
	// was not given falls out.
	text string
}

var prompts = []prompt{
	{
		name:        "explore_workbook",
		title:       "Explore a workbook",
		description: "Find out what a workbook is for, what is on its sheets and where its inputs and results are.",
		args: []*mcp.PromptArgument{
			{Name: "workbook", Title: "Workbook", Description: "File name, or workbook_id", Required: true},
			{Name: "question", Title: "Question", Description: "What you want to know; without one you get an overview"},
		},
		text: `Explore the workbook {workbook} and report what a colleague who has never seen it needs to know.

1. Find its workbook_id with list_workbooks (skip this if you were given an id beginning with wb-).
2. Call workbook_summary, then list_sheets. Note hidden sheets and sheets without values.
3. For each sheet that matters call sheet_overview. Tell apart inputs, calculations, results and notes.
4. For each large table call table_profile instead of reading its rows; read at most a page with read_table to see what rows look like.
5. Use named_ranges to learn what the author gave names to, and formula_trace on one or two key results to see what drives them.
The question to answer: {question}

Report: the purpose in two sentences; a table of sheets (name, role, size, notable contents); the inputs and the key results with their addresses; anything that looks wrong or stale. Give an address such as Sheet!B7 for every statement, and say what you did not look at.`,
	},
	{
		name:        "audit_formulas",
		title:       "Audit formulas",
		description: "Look for errors, broken patterns, hard-coded numbers and fragile formulas, and rank what was found.",
		args: []*mcp.PromptArgument{
			{Name: "workbook", Title: "Workbook", Description: "File name, or workbook_id", Required: true},
			{Name: "sheet", Title: "Sheet", Description: "Only this sheet; without one all sheets are audited"},
		},
		text: `Audit the formulas of the workbook {workbook}. Change nothing.
Look at the sheet {sheet} only.

1. Find its workbook_id with list_workbooks (skip this if you were given an id beginning with wb-), and its sheets with list_sheets.
2. For each sheet with formulas call sheet_formula_map. Within one block the formulas should follow one pattern: a cell that does not is a suspect.
3. Call find_formula for #REF!, for references to other files (a name in square brackets), and for numbers written into formulas that belong in an input cell.
4. Call find_value for the error values #REF!, #DIV/0!, #N/A, #VALUE! and #NAME?. For each kind, use formula_trace to find the first cell in the chain that is wrong; report that one, not what follows from it.
5. Call scan_volatiles. Volatile functions make every recalculation slower and results hard to repeat.
6. Look at each suspect with inspect_cells before you report it, together with its neighbours.

Report a table ranked by harm: severity (wrong result, fragile, untidy), address, what is there, why it is a problem, what it should be. Say which sheets and how many formulas were looked at. Do not report what you did not verify.`,
	},
	{
		name:        "compare_workbooks",
		title:       "Compare two workbooks",
		description: "Tell what changed between two workbooks, for example two versions of a budget.",
		args: []*mcp.PromptArgument{
			{Name: "before", Title: "Before", Description: "File name or workbook_id of the older workbook", Required: true},
			{Name: "after", Title: "After", Description: "File name or workbook_id of the newer workbook", Required: true},
			{Name: "focus", Title: "Focus", Description: "What matters most, for example a sheet or a figure"},
		},
		text: `Compare the workbook {before} (before) with {after} (after) and explain what changed and what it means.
What matters most: {focus}

1. Find both ids with list_workbooks (skip this if you were given ids beginning with wb-). Call workbook_summary for both.
2. Compare list_sheets of both: sheets added, removed, renamed or of a different size.
3. For each pair of sheets compare the regions that sheet_overview finds and the headers of their tables, then compare table_profile column by column. Only where these differ, read the rows with read_table, filtered to what differs.
4. Compare named_ranges and, for sheets with formulas, sheet_formula_map: a pattern that is only on one side is a change of logic, which matters more than a change of a value.
5. For each changed result use formula_trace in the newer workbook to find the inputs that explain the change.

Report: the three changes that matter most in plain words with figures before and after; then a table of all changes (sheet, address, before, after, kind: value, logic, structure); then what was not compared. Give addresses in both workbooks where they differ.`,
	},
}

func (p prompt) definition() *mcp.Prompt {
	return &mcp.Prompt{Name: p.name, Title: p.title, Description: p.description, Arguments: p.args}
}

// promptArgumentMax bounds a value put into a prompt, in bytes.
const promptArgumentMax = 2000

func (p prompt) get(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	given := req.Params.Arguments
	var names []string
	for _, a := range p.args {
		names = append(names, a.Name)
		if a.Required && strings.TrimSpace(given[a.Name]) == "" {
			return nil, invalidParams("prompt %s: the argument %q is missing: %s", p.name, a.Name, a.Description)
		}
	}
	for name, value := range given {
		if !strings.Contains(p.text, "{"+name+"}") {
			msg := fmt.Sprintf("prompt %s has no argument %q; it takes %s", p.name, clip(name, 100), strings.Join(names, ", "))
			return nil, invalidParams("%s", msg)
		}
		if len(value) > promptArgumentMax {
			return nil, invalidParams("prompt %s: the argument %q is longer than %d bytes", p.name, name, promptArgumentMax)
		}
	}

	var lines []string
	for line := range strings.Lines(p.text) {
		for _, a := range p.args {
			place := "{" + a.Name + "}"
			if !strings.Contains(line, place) {
				continue
			}
			value := strings.TrimSpace(given[a.Name])
			if value == "" {
				line = ""
				break
			}
			line = strings.ReplaceAll(line, place, fmt.Sprintf("%q", value))
		}
		lines = append(lines, line)
	}
	return &mcp.GetPromptResult{
		Description: p.description,
		Messages:    []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: strings.Join(lines, "")}}},
	}, nil
}

func invalidParams(format string, args ...any) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf(format, args...)}
}
