package tools

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/office/job"
	"gridflow/internal/workspace"
)

type exportWorkbookIn struct {
	Book
	Target    string `json:"target_path" required:"true" doc:"Relative to a served folder; .pdf or .ods"`
	Sheet     string `json:"sheet_name" doc:"This sheet only, a hidden one too; else all that are not hidden"`
	Range     string `json:"range" doc:"This range of the sheet only"`
	Values    bool   `json:"values_only" default:"false" doc:"With .ods: values in place of formulas, as always where a sheet is named"`
	Overwrite bool   `json:"overwrite" default:"false"`
}

type exportWorkbookOut struct {
	WorkbookID string `json:"workbook_id"`
	SavedTo    string `json:"saved_to"`
	Format     string `json:"format"`
	Sheet      string `json:"sheet_name,omitempty"`
	Range      string `json:"range,omitempty"`
	Pages      int    `json:"pages,omitempty"`
	Bytes      int64  `json:"bytes"`
	Millis     int64  `json:"duration_ms"`
	Warning    string `json:"warning,omitempty"`
}

var exportWorkbook = define(Spec{
	Name: "export_workbook", Title: "Export as PDF or ODS", Toolset: "office", Writes: true, Idempotent: true, Reach: ReachBook, Disk: true, Office: OfficeConvert,
	Description: "Writes a workbook, fork or version, or a sheet or range of it, to a .pdf (the pages that printing gives) or .ods file. Needs LibreOffice on the server. The .xlsx of a fork is written by save_fork, .csv by export_csv.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","target_path":"exports/report.pdf","sheet_name":"Summary"}`,
}, func(ctx context.Context, env *Env, in exportWorkbookIn) (*exportWorkbookOut, error) {
	begin := time.Now()
	if env.Files == nil {
		_, err := env.forkStore()
		if err == nil {
			err = fail("FORKS_DISABLED", "The operator can start the server without --read-only", "this server writes no files")
		}
		return nil, err
	}
	format := strings.TrimPrefix(strings.ToLower(path.Ext(in.Target)), ".")
	if format != "pdf" && format != "ods" {
		return nil, fail("BAD_PATH", "Give a target_path such as exports/report.pdf. A fork is saved as .xlsx by save_fork, and a sheet as .csv by export_csv", "%q ends neither in .pdf nor in .ods", clip(in.Target, 60))
	}
	if in.Range != "" && in.Sheet == "" {
		return nil, invalid("Give sheet_name too", "a range is of a sheet, and none is named")
	}
	at, err := env.Files.Target(ctx, in.Target)
	if err != nil {
		return nil, err
	}
	out := &exportWorkbookOut{Format: format}
	err = env.document(ctx, in.Workbook, "export_workbook needs", "export_csv writes a sheet as .csv", func(o *job.Office, d job.Document) error {
		e := job.Export{Format: format, Sheet: -1, Formulas: format == "ods" && !in.Values}
		out.WorkbookID = d.Snapshot.ID
		if in.Sheet != "" {
			var err error
			if e.Sheet, err = worksheetNamed(d.Snapshot, in.Sheet); err != nil {
				return err
			}
			out.Sheet = d.Snapshot.Workbook().Sheets[e.Sheet].Name
		}
		if in.Range != "" {
			found, err := oneArea(ctx, d.Snapshot, e.Sheet, in.Range)
			if err != nil {
				return err
			}
			if found.sheet != e.Sheet {
				return fail(codeRangeInvalid, "Give a range of the sheet, or the sheet of the range", "%q is not on the sheet %s", clip(in.Range, 64), plain(out.Sheet))
			}
			sheet, err := d.Snapshot.Sheet(ctx, e.Sheet)
			if err != nil {
				return err
			}
			area := drawable(sheet, found.rng)
			e.Range, out.Range = &area, area.String()
		}
		entry, err := env.Files.Write(ctx, at, workspace.WriteOptions{Overwrite: in.Overwrite}, func(f io.Writer) error {
			w := &pageCounter{w: f}
			err := o.Export(ctx, d, e, w)
			if format == "pdf" {
				out.Pages = w.pages
			}
			return err
		})
		out.SavedTo, out.Bytes = entry.Path, entry.Bytes
		if err != nil || format != "ods" {
			return err
		}
		asked, err := d.Asked(ctx, e.Sheet)
		if n := len(asked); n > 0 {
			names := make([]string, n)
			for k, i := range asked {
				names[k] = cell.QuoteSheet(d.Snapshot.Workbook().Sheets[i].Name)
			}
			out.Warning = "WARN_PASSWORDS: protected without a password, as an .ods keeps passwords another way: " + joinClipped(names, 10)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Millis = time.Since(begin).Milliseconds()
	return out, nil
})

func (o *exportWorkbookOut) appendText(b []byte, _ bool) []byte {
	what := "all sheets that are not hidden"
	switch {
	case o.Format == "ods" && o.Sheet == "":
		what = "all sheets"
	case o.Range != "":
		what = cell.QuoteSheet(o.Sheet) + "!" + o.Range
	case o.Sheet != "":
		what = "the sheet " + o.Sheet
	}
	b = append(appendEscaped(b, what), " of "...)
	b = fmt.Appendf(b, "%s: in %s, %d bytes", plain(o.WorkbookID), plain(o.SavedTo), o.Bytes)
	if o.Pages > 0 {
		b = fmt.Appendf(b, ", pages: %d", o.Pages)
	}
	b = append(b, '\n')
	if o.Warning != "" {
		b = append(appendEscaped(append(b, "warning: "...), o.Warning), '\n')
	}
	return b
}

// pageCounter counts the pages of a PDF that passes through. LibreOffice writes a page's
// dictionary as plain text, with its type in front.
type pageCounter struct {
	w     io.Writer
	tail  []byte
	pages int
}

var pageMark = []byte("/Type/Page")

func (c *pageCounter) Write(b []byte) (int, error) {
	text := append(c.tail, b...)
	for {
		i := bytes.Index(text, pageMark)
		if i < 0 || i+len(pageMark) >= len(text) {
			break
		}
		if text[i+len(pageMark)] != 's' { // a /Pages is a node of the tree of pages
			c.pages++
		}
		text = text[i+len(pageMark):]
	}
	c.tail = append([]byte(nil), text[max(0, len(text)-len(pageMark)):]...)
	return c.w.Write(b)
}
