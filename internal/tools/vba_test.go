package tools

import (
	"context"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/vba/vbatest"
)

// addModule adds a module to the VBA project of the workbook.
func (b *testBookSource) addModule(words, source string) {
	fields := strings.Fields(words)
	b.wb.HasMacros = true
	if len(fields) == 0 {
		b.macros = []byte("no project")
		return
	}
	b.modules = append(b.modules, vbatest.Module{Name: fields[0], Source: strings.ReplaceAll(source, "\n", "\r\n"), Doc: "about " + fields[0],
		Class: slices.Contains(fields, "class"), Private: slices.Contains(fields, "private"), ReadOnly: slices.Contains(fields, "read-only")})
	p := vbatest.Project{CodePage: 1252, SysKind: 1, Name: "VBAProject", Modules: b.modules}
	p.References = append(vbatest.Registered("stdole", `*\G{00020430}#2.0#0#stdole2.tlb#OLE Automation`), vbatest.Registered("Office", `*\G{2DF8D04C}#2.8#0##Office`)...)
	b.macros = p.Bytes()
}

// Macros implements book.MacroSource.
func (b *testBookSource) Macros(ctx context.Context) ([]byte, error) { return b.macros, ctx.Err() }

func TestSourceLines(t *testing.T) {
	for _, test := range []struct {
		source string
		lines  []string
	}{
		{"", nil},
		{"a\r\nb\r\n", []string{"a", "b"}},
		{"a\r\rb", []string{"a", "", "b"}},
		{"\n\r\n\r", []string{"", "", ""}},
		{"a\n\r\nb", []string{"a", "", "b"}},
	} {
		if got := slices.Collect(sourceLines(test.source)); !slices.Equal(got, test.lines) {
			t.Errorf("the lines of %q are %q", test.source, got)
		}
	}
	env := &Env{}
	out := pageOfSource(env, "a\r\n\r\nb\r\n", vbaModuleSourceIn{Offset: 1, Limit: 1})
	if text := string(out.appendText(nil, false)); text != "\n" || out.TotalLines != 3 || !out.Truncated {
		t.Errorf("an empty line on a page of its own gives %q of %d lines", text, out.TotalLines)
	}
}
