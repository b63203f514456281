package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

// Workbooks is what WorkbookResources needs of a workspace.
type Workbooks interface {
	Entries(ctx context.Context) []workspace.Entry
	Lookup(ctx context.Context, id string) (workspace.Entry, error)
	Changes(ctx context.Context, fn func(id string))
}

// WorkbookResources offers the workbooks as resources. What they hold is read by the
// tools of the table (list_sheets, sheet_page, range_values), so that a resource and a
// call show the same text under the same bounds.
func WorkbookResources(w Workbooks, table []tools.Tool, env *tools.Env) Resources {
	r := &workbookResources{workbooks: w, env: env, tools: make(map[string]*tools.Tool)}
	for i := range table {
		r.tools[table[i].Name] = &table[i]
	}
	return r
}

type workbookResources struct {
	workbooks Workbooks
	env       *tools.Env
	tools     map[string]*tools.Tool
}

const resourceScheme = "gridflow://"

func (r *workbookResources) List(ctx context.Context) ([]Resource, error) {
	entries := r.workbooks.Entries(ctx)
	list := make([]Resource, 0, len(entries))
	for _, e := range entries {
		list = append(list, Resource{
			URI:         resourceScheme + e.ID,
			Name:        path.Base(e.Path),
			Title:       e.Path,
			Description: fmt.Sprintf("Workbook of %d bytes, changed %s. Reading it gives its sheets; append /SHEET or /SHEET/RANGE to read cells.", e.Bytes, e.ModTime.UTC().Format(time.RFC3339)),
			MIMEType:    "text/plain",
		})
	}
	return list, nil
}

func (r *workbookResources) Read(ctx context.Context, uri string) (Contents, error) {
	if name, ok := strings.CutPrefix(uri, tools.PictureScheme); ok {
		return r.picture(ctx, name)
	}
	workbook, sheet, area, err := splitURI(uri)
	if err != nil {
		return Contents{}, err
	}
	tool, args, kind := "list_sheets", map[string]any{"workbook_or_fork_id": workbook}, "text/plain"
	if sheet != "" {
		tool, args["sheet_name"], kind = "sheet_page", sheet, "text/tab-separated-values"
	}
	if area != "" {
		tool, args["ranges"] = "range_values", []string{area}
	}
	t := r.tools[tool]
	if t == nil {
		return Contents{}, fmt.Errorf("the table has no tool %s", tool)
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return Contents{}, err
	}
	res, err := t.Call(ctx, r.env, raw)
	if err != nil {
		return Contents{}, err
	}
	if res.Structured != nil {
		return Contents{MIMEType: "application/json", Text: string(res.Structured)}, nil
	}
	return Contents{MIMEType: kind, Text: res.Text}, nil
}

// picture gives a picture that screenshot_sheet has made. It is there until newer ones have
// taken its place.
func (r *workbookResources) picture(ctx context.Context, name string) (Contents, error) {
	gone := &tools.Error{Code: "PICTURE_NOT_FOUND", Message: fmt.Sprintf("there is no picture %q, or no longer", clip(name, 100)), Hint: "Call screenshot_sheet again"}
	if r.env.Pictures == nil || !strings.HasPrefix(name, tools.PicturesOf(ctx)) {
		return Contents{}, gone
	}
	f, err := r.env.Pictures.Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Contents{}, gone
	}
	if err != nil {
		return Contents{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, pictureMax))
	return Contents{MIMEType: "image/png", Blob: b}, err
}

// pictureMax is more than any picture has: 12 million pixels, of four bytes each.
const pictureMax = 64 << 20

func (r *workbookResources) Workbook(ctx context.Context, uri string) (string, error) {
	workbook, _, _, err := splitURI(uri)
	if err != nil {
		return "", err
	}
	e, err := r.workbooks.Lookup(ctx, workbook)
	if err != nil {
		return "", tools.MapError(err)
	}
	return resourceScheme + e.ID, nil
}

func (r *workbookResources) Changes(ctx context.Context, fn func(uri string)) {
	r.workbooks.Changes(ctx, func(id string) { fn(resourceScheme + id) })
}

// splitURI takes gridflow://{workbook}/{sheet}/{range} apart. A slash in the name of a
// sheet is written %2F.
func splitURI(uri string) (workbook, sheet, area string, err error) {
	var parts [3]string
	for i, part := range strings.SplitN(strings.TrimPrefix(uri, resourceScheme), "/", 3) {
		if parts[i], err = url.PathUnescape(part); err != nil {
			return "", "", "", &tools.Error{
				Code:    "INVALID_PARAMS",
				Message: fmt.Sprintf("the URI %q cannot be read: %v", clip(uri, 200), err),
				Hint:    "Write " + rangeTemplate.URITemplate + " with special characters percent-encoded",
			}
		}
	}
	return parts[0], parts[1], parts[2], nil
}
