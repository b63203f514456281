package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

type describeWorkbookIn struct {
	Book
}

type describeWorkbookOut struct {
	WorkbookID    string         `json:"workbook_id"`
	ShortID       string         `json:"short_id"`
	Slug          string         `json:"slug"`
	Path          string         `json:"path"`
	Bytes         int64          `json:"bytes"`
	SheetCount    int            `json:"sheet_count"`
	DefinedNames  int            `json:"defined_names"`
	Tables        int            `json:"tables"`
	MacrosPresent bool           `json:"macros_present"`
	LastModified  string         `json:"last_modified,omitempty"`
	RevisionID    string         `json:"revision_id,omitempty"`
	Caps          *backendTraits `json:"caps"`
	DateSystem    string         `json:"date_system"`
	Application   string         `json:"application,omitempty"`
	ExternalLinks []string       `json:"external_links"`
	CalcMode      string         `json:"calc_mode,omitempty"`
	Protection    string         `json:"workbook_protection,omitempty"`

	sheets []grid.SheetInfo
}

var describeWorkbook = define(Spec{
	Name: "describe_workbook", Title: "Describe a workbook", Toolset: "read", Reach: ReachBook,
	Description: "Facts about the file: sheets, counts of names and tables, macros, external links, date system, revision. Reads no cells.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in describeWorkbookIn) (*describeWorkbookOut, error) {
	entry, err := env.Workspace.Lookup(ctx, in.Workbook)
	if err != nil {
		return nil, err
	}
	revision, err := env.Workspace.Revision(ctx, in.Workbook)
	if err != nil {
		return nil, err
	}
	out := &describeWorkbookOut{WorkbookID: entry.ID, ShortID: entry.ShortID, Slug: entry.Slug, Path: entry.Path, Bytes: entry.Bytes,
		LastModified: rfc3339(entry.ModTime), RevisionID: revision, Caps: ourTraits}
	err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		tables, err := snap.Tables(ctx)
		if err != nil {
			return err
		}
		wb := snap.Workbook()
		out.SheetCount, out.Tables, out.sheets = len(wb.Sheets), len(tables), wb.Sheets
		for _, n := range wb.Names {
			if n.Sheet < 0 && !n.Hidden {
				out.DefinedNames++
			}
		}
		out.MacrosPresent, out.Application, out.CalcMode = wb.HasMacros, wb.App, wb.CalcMode
		out.Protection = workbookProtectionText(wb.Protection)
		out.ExternalLinks = wb.External[:min(len(wb.External), 20)]
		out.DateSystem = "1900"
		if wb.Dates == numfmt.Date1904 {
			out.DateSystem = "1904"
		}
		return nil
	})
	return out, err
})

// sheetsShown bounds the sheet names in the text; list_sheets has them all.
const sheetsShown = 40

func (o *describeWorkbookOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s (%s), %s, %d bytes", plain(o.Slug), o.WorkbookID, plain(o.Path), o.Bytes)
	if o.LastModified != "" {
		b = append(b, ", modified "+o.LastModified...)
	}
	b = fmt.Appendf(b, "\n%d sheets: ", o.SheetCount)
	for i, s := range o.sheets {
		if i == sheetsShown {
			b = fmt.Appendf(b, ", and %d more (list_sheets)", len(o.sheets)-i)
			break
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendEscaped(b, s.Name)
		if s.Visibility != grid.Visible {
			b = append(b, " ("+s.Visibility.String()+")"...)
		}
		if s.Kind != grid.Worksheet {
			b = append(b, " ("+s.Kind.String()+")"...)
		}
	}
	macros := "no"
	if o.MacrosPresent {
		macros = "yes"
	}
	b = fmt.Appendf(b, "\ndefined names: %d, tables: %d, macros: %s, date system: %s", o.DefinedNames, o.Tables, macros, o.DateSystem)
	if o.Application != "" {
		b = append(b, ", written by "...)
		b = appendEscaped(b, o.Application)
	}
	if o.CalcMode != "" && o.CalcMode != "auto" {
		b = append(b, ", calculation: "+plain(o.CalcMode)...)
	}
	if o.Protection != "" {
		b = append(b, ", protected: "+o.Protection...)
	}
	if len(o.ExternalLinks) > 0 {
		b = append(b, "\nexternal links: "...)
		b = appendEscaped(b, strings.Join(o.ExternalLinks, ", "))
	}
	return fmt.Appendf(b, "\nrevision: %s\n", o.RevisionID)
}
