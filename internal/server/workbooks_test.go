package server

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

type fixtureWorkbooks struct{}

func (fixtureWorkbooks) Entries(context.Context) []workspace.Entry {
	return []workspace.Entry{{ID: "wb-1", Path: "plans/budget.xlsx", Bytes: 7, ModTime: time.Unix(0, 0)}}
}

func (fixtureWorkbooks) Lookup(_ context.Context, id string) (workspace.Entry, error) {
	switch id {
	case "wb-1", "budget", "plans/budget.xlsx":
		return workspace.Entry{ID: "wb-1"}, nil
	}
	return workspace.Entry{}, &workspace.Error{Code: "WORKBOOK_NOT_FOUND", Message: "none", Hint: "look"}
}

func (fixtureWorkbooks) Changes(_ context.Context, fn func(id string)) { fn("wb-1") }

// TestWorkbookResources: a URI becomes the call of a tool, and its result the contents.
func TestWorkbookResources(t *testing.T) {
	var table []tools.Tool
	for _, name := range []string{"list_sheets", "sheet_page", "range_values"} {
		table = append(table, tools.Tool{Name: name, Call: func(_ context.Context, env *tools.Env, args json.RawMessage) (*tools.Result, error) {
			if env.Profile == tools.Compat {
				return &tools.Result{Text: "text", Structured: json.RawMessage(`{}`)}, nil
			}
			return &tools.Result{Text: name + " " + string(args)}, nil
		}})
	}
	r := WorkbookResources(fixtureWorkbooks{}, table, &tools.Env{Profile: tools.Dense})
	for uri, want := range map[string]Contents{
		"gridflow://wb-1":                    {MIMEType: "text/plain", Text: `list_sheets {"workbook_or_fork_id":"wb-1"}`},
		"gridflow://wb-1/":                   {MIMEType: "text/plain", Text: `list_sheets {"workbook_or_fork_id":"wb-1"}`},
		"gridflow://wb-1/My%20Data":          {MIMEType: "text/tab-separated-values", Text: `sheet_page {"sheet_name":"My Data","workbook_or_fork_id":"wb-1"}`},
		"gridflow://wb-1/a%2Fb/A1:B2":        {MIMEType: "text/tab-separated-values", Text: `range_values {"ranges":["A1:B2"],"sheet_name":"a/b","workbook_or_fork_id":"wb-1"}`},
		"gridflow://wb-1/S/Sheet%201!A1%3AB": {MIMEType: "text/tab-separated-values", Text: `range_values {"ranges":["Sheet 1!A1:B"],"sheet_name":"S","workbook_or_fork_id":"wb-1"}`},
	} {
		if got, err := r.Read(t.Context(), uri); err != nil || got.MIMEType != want.MIMEType || got.Text != want.Text || got.Blob != nil {
			t.Errorf("%s: %v (%v), want %v", uri, got, err, want)
		}
	}
	var typed *tools.Error
	if _, err := r.Read(t.Context(), "gridflow://wb-1/%zz"); !errors.As(err, &typed) || typed.Code != "INVALID_PARAMS" {
		t.Errorf("a broken URI gives %v", err)
	}
	compat := WorkbookResources(fixtureWorkbooks{}, table, &tools.Env{Profile: tools.Compat})
	if got, err := compat.Read(t.Context(), "gridflow://wb-1"); err != nil || got.MIMEType != "application/json" || got.Text != "{}" {
		t.Errorf("compat: %v (%v)", got, err)
	}
	list, err := r.List(t.Context())
	if err != nil || len(list) != 1 || list[0].URI != "gridflow://wb-1" || list[0].Name != "budget.xlsx" {
		t.Errorf("list: %v (%v)", list, err)
	}
	r.Changes(t.Context(), func(uri string) {
		if uri != "gridflow://wb-1" {
			t.Errorf("changed: %s", uri)
		}
	})
}

// TestWorkbookOfURI: whatever a URI calls its workbook, it is the one whose changes are
// told; and there must be one.
func TestWorkbookOfURI(t *testing.T) {
	r := WorkbookResources(fixtureWorkbooks{}, nil, &tools.Env{})
	for _, uri := range []string{"gridflow://wb-1", "gridflow://budget/Data/A1", "gridflow://plans%2Fbudget.xlsx/Data"} {
		if got, err := r.Workbook(t.Context(), uri); got != "gridflow://wb-1" || err != nil {
			t.Errorf("%s: got %q, %v", uri, got, err)
		}
	}
	_, err := r.Workbook(t.Context(), "gridflow://other")
	if e, ok := errors.AsType[*tools.Error](err); !ok || e.Code != "WORKBOOK_NOT_FOUND" || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}
