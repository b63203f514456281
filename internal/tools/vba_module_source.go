package tools

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode"

	"gridflow/internal/book"
	"gridflow/internal/vba"
)

type vbaModuleSourceIn struct {
	Book
	Module string `json:"module_name" required:"true"`
	Offset int    `json:"offset_lines" default:"0" min:"0" doc:"Lines to leave out"`
	Limit  int    `json:"limit_lines" default:"200" min:"1" max:"5000" clamp:"both"`
}

type vbaModuleSourceOut struct {
	Cut
	WorkbookID string `json:"workbook_id"`
	ModuleName string `json:"module_name"`
	Offset     int    `json:"offset_lines"`
	Limit      int    `json:"limit_lines"`
	TotalLines int    `json:"total_lines"`
	Truncated  bool   `json:"truncated"`
	Source     string `json:"source"`

	shown int
}

const codeModuleNotFound = "MODULE_NOT_FOUND"

var vbaModuleSource = define(Spec{
	Name: "vba_module_source", Title: "Source of a VBA module", Toolset: "vba",
	Description: "The source text of one module of the VBA project, as it is stored: attributes first. vba_project_summary lists the modules.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","module_name":"Module1"}`,
}, func(ctx context.Context, env *Env, in vbaModuleSourceIn) (*vbaModuleSourceOut, error) {
	var out *vbaModuleSourceOut
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		m, source, err := readVBAModule(ctx, snap, in.Module)
		if err != nil {
			return err
		}
		in.Module = m.Name
		out = pageOfSource(env, source, in)
		out.WorkbookID = snap.ID
		return nil
	})
	return out, err
})

func readVBAModule(ctx context.Context, snap *book.Snapshot, name string) (*vba.Module, string, error) {
	p, err := vbaProject(ctx, snap)
	if err != nil {
		return nil, "", err
	}
	if p == nil {
		return nil, "", fail(codeModuleNotFound, "Only workbooks with macros have modules; describe_workbook says which those are", "the workbook has no VBA project")
	}
	m := p.Module(strings.TrimSpace(name))
	if m == nil {
		names := make([]string, len(p.Modules))
		for i := range p.Modules {
			names[i] = p.Modules[i].Name
		}
		return nil, "", fail(codeModuleNotFound, suggest("modules", name, names), "there is no module %q", clip(name, 64))
	}
	source, err := p.Source(m)
	return m, source, vbaError(err)
}

func pageOfSource(env *Env, source string, in vbaModuleSourceIn) *vbaModuleSourceOut {
	out := &vbaModuleSourceOut{ModuleName: in.Module, Offset: in.Offset, Limit: in.Limit}
	lim := budget{maxBytes: env.Caps.MaxPayloadBytes, maxItems: in.Limit}
	var b strings.Builder
	for line := range sourceLines(source) {
		if out.TotalLines >= in.Offset && !out.Truncated {
			if out.Truncated = !lim.take(len(line)+1, 0); !out.Truncated {
				if out.shown++; out.shown > 1 {
					b.WriteByte('\n')
				}
				b.WriteString(line)
			}
		}
		out.TotalLines++
	}
	out.Source = b.String()
	if out.Truncated {
		first := in.Offset
		in.Offset += out.shown
		out.Next = fmt.Sprintf("lines %d-%d of %d; next: %s", first+1, in.Offset, out.TotalLines, callText("vba_module_source", in))
	}
	return out
}

// sourceLines yields the lines of a module: Excel ends them with CR LF, on a Mac it once
// did with CR.
func sourceLines(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			line := s
			i := strings.IndexAny(s, "\r\n")
			if i < 0 {
				s = ""
			} else {
				line = s[:i]
				if strings.HasPrefix(s[i:], "\r\n") {
					i++
				}
				s = s[i+1:]
			}
			if !yield(line) {
				return
			}
		}
	}
}

func (o *vbaModuleSourceOut) appendText(b []byte, _ bool) []byte {
	switch {
	case o.TotalLines == 0:
		return fmt.Appendf(b, "module %s is empty\n", o.ModuleName)
	case o.shown == 0:
		return fmt.Appendf(b, "no lines at this offset: module %s has %d\n", o.ModuleName, o.TotalLines)
	}
	// What a terminal would obey is shown and not sent.
	shown := strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, o.Source)
	return append(append(b, shown...), '\n')
}
