package tools

import (
	"context"
	"fmt"
)

type closeWorkbookIn struct {
	Book
}

type closeWorkbookOut struct {
	WorkbookID string `json:"workbook_id"`
	Message    string `json:"message"`
}

var closeWorkbook = define(Spec{
	Name: "close_workbook", Title: "Close a workbook", Toolset: "admin", Writes: true, Idempotent: true, Reach: ReachNothing,
	Description: "Drops a workbook from the server's memory. Nothing is lost, and it is never needed to see a changed file: the next read loads it again.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in closeWorkbookIn) (*closeWorkbookOut, error) {
	entry, err := env.Workspace.Lookup(ctx, in.Workbook)
	if err != nil {
		return nil, err
	}
	dropped, err := env.Workspace.Close(ctx, entry.ID)
	if err != nil {
		return nil, err
	}
	out := &closeWorkbookOut{WorkbookID: entry.ID, Message: fmt.Sprintf("workbook %s closed", entry.ID)}
	if !dropped {
		out.Message = fmt.Sprintf("workbook %s was not in memory", entry.ID)
	}
	return out, nil
})

func (o *closeWorkbookOut) appendText(b []byte, _ bool) []byte {
	return append(append(b, o.Message...), '\n')
}
