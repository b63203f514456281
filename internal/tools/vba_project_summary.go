package tools

import (
	"context"
	"errors"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/vba"
)

type vbaProjectSummaryIn struct {
	Book
	MaxModules        int  `json:"max_modules" default:"200" min:"1"`
	Offset            int  `json:"offset" default:"0" min:"0" doc:"Modules to leave out"`
	IncludeReferences bool `json:"include_references" default:"true"`
}

type vbaProjectSummaryOut struct {
	Cut
	WorkbookID          string         `json:"workbook_id"`
	HasVBA              bool           `json:"has_vba"`
	CodePage            *uint16        `json:"code_page"`
	SysKind             vba.SysKind    `json:"sys_kind,omitempty"`
	Modules             []vbaModule    `json:"modules"`
	ModulesTruncated    bool           `json:"modules_truncated"`
	References          []vbaReference `json:"references"`
	ReferencesTruncated bool           `json:"references_truncated"`
	Notes               []string       `json:"notes"`

	project       *vba.Project
	hasReferences bool
}

type vbaModule struct {
	Name        string         `json:"name"`
	StreamName  string         `json:"stream_name"`
	DocString   string         `json:"doc_string"`
	TextOffset  uint32         `json:"text_offset"`
	HelpContext uint32         `json:"help_context"`
	Type        vba.ModuleType `json:"module_type"`
	ReadOnly    bool           `json:"read_only"`
	Private     bool           `json:"private"`
}

type vbaReference struct {
	Kind  vba.ReferenceKind `json:"kind"`
	Debug string            `json:"debug"`

	name string
}

// How many references a result has, and how many bytes of each.
const (
	vbaReferencesMax = 200
	vbaDebugMax      = 4 << 10
)

var vbaProjectSummary = define(Spec{
	Name: "vba_project_summary", Title: "Summary of the VBA project", Toolset: "vba",
	Description: "The modules of a workbook's VBA project and the libraries that it refers to. vba_module_source reads a module; nothing is run.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, viewed(summariseVBA))

func summariseVBA(ctx context.Context, env *Env, snap *book.Snapshot, in vbaProjectSummaryIn) (*vbaProjectSummaryOut, error) {
	out := &vbaProjectSummaryOut{WorkbookID: snap.ID}
	p, err := vbaProject(ctx, snap)
	if err != nil {
		return nil, err
	}
	if p == nil {
		out.Notes = []string{"The workbook has no VBA project."}
		return out, nil
	}
	out.project, out.HasVBA, out.CodePage, out.SysKind = p, true, &p.CodePage, p.SysKind
	if !vba.KnownCodePage(p.CodePage) {
		out.Notes = append(out.Notes, fmt.Sprintf("Code page %d is not one that is known here: letters beyond ASCII are shown as \uFFFD.", p.CodePage))
	}
	lim := env.budget(in.MaxModules)
	next := min(in.Offset, len(p.Modules))
	for ; next < len(p.Modules); next++ {
		m := vbaModule(p.Modules[next])
		if !lim.takeEntry(&m) {
			break
		}
		out.Modules = append(out.Modules, m)
	}
	if next < len(p.Modules) {
		out.ModulesTruncated = true
		first := in.Offset
		in.Offset = next
		out.Next = fmt.Sprintf("modules %d-%d of %d; next: %s", first+1, next, len(p.Modules), callText("vba_project_summary", in))
	}
	if out.hasReferences = in.IncludeReferences; !in.IncludeReferences {
		return out, nil
	}
	refs := env.budget(vbaReferencesMax)
	for _, r := range p.References {
		ref := vbaReference{r.Kind, clip(r.Debug, vbaDebugMax), r.Name}
		if !refs.takeEntry(&ref) {
			out.ReferencesTruncated = true
			out.Notes = append(out.Notes, fmt.Sprintf("%d of %d references are shown.", len(out.References), len(p.References)))
			break
		}
		out.References = append(out.References, ref)
	}
	return out, nil
}

// vbaProject opens the VBA project of a workbook; nil where it has none.
func vbaProject(ctx context.Context, snap *book.Snapshot) (*vba.Project, error) {
	data, err := snap.Macros(ctx)
	if err != nil || data == nil {
		return nil, err
	}
	p, err := vba.Open(data)
	return p, vbaError(err)
}

// vbaError makes an error of package vba one that callers can do something about.
func vbaError(err error) error {
	var e *vba.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Kind == vba.TooLarge:
		return fail("FILE_TOO_LARGE", "Everything but the VBA project can be read all the same", "%v", e)
	}
	return fail("FILE_UNREADABLE", "Open the workbook in Excel and save it again; everything but the VBA project can be read all the same", "%v", e)
}

func (o *vbaProjectSummaryOut) appendText(b []byte, _ bool) []byte {
	if !o.HasVBA {
		return appendNotes(b, o.Notes)
	}
	b = appendEscaped(append(b, "VBA project "...), o.project.Name)
	b = fmt.Appendf(b, ": %d modules, %d references, code page %d, %s\n", len(o.project.Modules), len(o.project.References), *o.CodePage, o.SysKind)
	if len(o.Modules) > 0 {
		b = append(b, "module\ttype\tmarks\tdescription\n"...)
	}
	for _, m := range o.Modules {
		b = append(appendEscaped(b, m.Name), '\t')
		b = append(append(b, m.Type...), '\t')
		if m.ReadOnly {
			b = append(b, "read-only"...)
		}
		if m.Private {
			if m.ReadOnly {
				b = append(b, ' ')
			}
			b = append(b, "private"...)
		}
		b = append(appendEscaped(append(b, '\t'), m.DocString), '\n')
	}
	if o.hasReferences && len(o.References) > 0 {
		b = append(b, "reference\tkind\tlibrary\n"...)
		for _, r := range o.References {
			b = append(append(append(appendEscaped(b, r.name), '\t'), r.Kind...), '\t')
			b = append(appendEscaped(b, r.Debug), '\n')
		}
	}
	return appendNotes(b, o.Notes)
}
