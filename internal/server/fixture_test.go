package server

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"gridflow/internal/tools"
)

// anyObject is the schema of a tool that takes what it is given.
func anyObject() json.RawMessage { return json.RawMessage(`{"type":"object"}`) }

// fixtureTools are tools whose only purpose is to behave in one way each.
func fixtureTools() []tools.Tool {
	object := func() json.RawMessage {
		return json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`)
	}
	tool := func(name, title string, call func(ctx context.Context, args json.RawMessage) (*tools.Result, error)) tools.Tool {
		return tools.Tool{
			Name: name, Title: title, Description: title + ".", Toolset: "fixture", Core: true, ReadOnly: true, Schema: object,
			Call: func(ctx context.Context, _ *tools.Env, args json.RawMessage) (*tools.Result, error) {
				return call(ctx, args)
			},
		}
	}
	return []tools.Tool{
		tool("blocks", "Waits until it is cancelled", func(ctx context.Context, _ json.RawMessage) (*tools.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
		tool("breaks", "Fails in a way nobody expected", func(context.Context, json.RawMessage) (*tools.Result, error) {
			return nil, errors.New("secret detail")
		}),
		tool("counts", "Reports progress for a minute", func(ctx context.Context, _ json.RawMessage) (*tools.Result, error) {
			for i := range 600 {
				tools.ReportProgress(ctx, float64(i), 600, "counting")
				select {
				case <-ctx.Done():
					return nil, ctx.Err()
				case <-time.After(100 * time.Millisecond):
				}
			}
			return &tools.Result{Text: "counted"}, nil
		}),
		tool("echo", "Gives back its arguments", func(_ context.Context, args json.RawMessage) (*tools.Result, error) {
			return &tools.Result{Text: string(args)}, nil
		}),
		tool("links", "Gives structured content and a link", func(context.Context, json.RawMessage) (*tools.Result, error) {
			return &tools.Result{
				Text: `{"a":1}`, Structured: json.RawMessage(`{"a":1}`),
				Links: []tools.ResourceLink{{URI: "gridflow://wb-1/Data/A1:B2", Name: "Data", MIMEType: "text/tab-separated-values"}},
			}, nil
		}),
		tool("panics", "Panics", func(context.Context, json.RawMessage) (*tools.Result, error) {
			panic("secret detail")
		}),
		tool("refuses", "Gives a typed error", func(context.Context, json.RawMessage) (*tools.Result, error) {
			return nil, &tools.Error{Code: "SHEET_NOT_FOUND", Message: `there is no sheet "Dat"`, Hint: `Did you mean "Data"?`, RetryAfterMillis: 5}
		}),
		tool("rambles", "Gives an error that is too long", func(context.Context, json.RawMessage) (*tools.Result, error) {
			return nil, &tools.Error{Code: "INVALID_PARAMS", Message: strings.Repeat("é", 2000)}
		}),
		tool("silent", "Works for 25 seconds and says nothing", func(ctx context.Context, _ json.RawMessage) (*tools.Result, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(25 * time.Second):
				return &tools.Result{Text: "done"}, nil
			}
		}),
	}
}

// fixtureResources are two workbooks; what is sent to changed is told.
type fixtureResources struct{ changed chan string }

func (r fixtureResources) List(context.Context) ([]Resource, error) {
	return []Resource{
		{URI: "gridflow://wb-1", Name: "budget.xlsx", MIMEType: "text/plain", Size: 1234},
		{URI: "gridflow://wb-2", Name: "sales.xlsx", MIMEType: "text/plain"},
	}, nil
}

func (r fixtureResources) Read(ctx context.Context, uri string) (Contents, error) {
	switch uri {
	case "gridflow://wb-1/Data/A1:B2":
		return Contents{MIMEType: "text/tab-separated-values", Text: "\tA\tB\n1\tx\ty\n"}, nil
	case "gridflow://wb-1/Slow":
		select {
		case <-ctx.Done():
			return Contents{}, ctx.Err()
		case <-time.After(15 * time.Second):
			return Contents{MIMEType: "text/plain", Text: "done"}, nil
		}
	case "gridflow://wb-1/Panic":
		panic("secret detail")
	}
	return Contents{}, &tools.Error{Code: "WORKBOOK_NOT_FOUND", Message: "there is no workbook " + uri, Hint: "list_workbooks names those there are"}
}

// Workbook knows each workbook by its file name, too.
func (r fixtureResources) Workbook(_ context.Context, uri string) (string, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, resourceScheme), "/")
	for id, file := range map[string]string{"wb-1": "budget.xlsx", "wb-2": "sales.xlsx", "wb-10": "old.xlsx"} {
		if name == id || name == file {
			return resourceScheme + id, nil
		}
	}
	return "", &tools.Error{Code: "WORKBOOK_NOT_FOUND", Message: "there is no workbook " + clip(name, 100), Hint: "list_workbooks names those there are"}
}

func (r fixtureResources) Changes(ctx context.Context, fn func(workbook string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case workbook := <-r.changed:
			fn(workbook)
		}
	}
}
