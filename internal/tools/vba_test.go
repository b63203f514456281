package tools

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/book"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"
	"gridflow/internal/vba/vbatest"
	"gridflow/internal/workspace"
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
	if text := string(pageOfSource(env, "a\x1b[2J\tb\u0085", vbaModuleSourceIn{Limit: 1}).appendText(nil, false)); text != "a\uFFFD[2J\tb\uFFFD\n" {
		t.Errorf("control characters are shown as %q", text)
	}
	out := pageOfSource(env, "a\r\n\r\nb\r\n", vbaModuleSourceIn{Offset: 1, Limit: 1})
	if text := string(out.appendText(nil, false)); text != "\n" || out.TotalLines != 3 || !out.Truncated {
		t.Errorf("an empty line on a page of its own gives %q of %d lines", text, out.TotalLines)
	}
}

// TestCorpusMacros reads all modules of the corpus, and drafts a manifest of every
// workbook that is not large.
func TestCorpusMacros(t *testing.T) {
	dir := corpus.Dir(t)
	ctx := context.Background()
	w, err := workspace.Open(ctx, workspace.Options{Roots: []string{dir}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Shut()
	modules, drafts := 0, 0
	for _, entry := range w.Entries(context.Background()) {
		if entry.Bytes > 64<<10 && !strings.HasSuffix(entry.Path, "m") {
			continue
		}
		var names []string
		var draft *getManifestStubOut
		err := w.View(ctx, entry.ID, func(snap *book.Snapshot) error {
			if p, err := vbaProject(ctx, snap); err == nil && p != nil {
				for _, m := range p.Modules {
					names = append(names, m.Name)
				}
			}
			var err error
			draft, err = draftManifest(ctx, &Env{}, snap, entry, getManifestStubIn{})
			return err
		})
		if err != nil {
			continue // a damaged file; that its error is one to mend is tested elsewhere
		}
		checkManifest(t, entry.Path, draft.ManifestYAML)
		drafts++
		if len(names) == 0 {
			continue
		}
		id := `{"workbook_id":"` + entry.ID + `"`
		for _, profile := range []Profile{Dense, Compat} {
			checkCall(t, w, profile, entry.Path, "vba_project_summary", id+"}")
			for _, name := range names {
				checkCall(t, w, profile, entry.Path, "vba_module_source", id+`,"module_name":`+string(appendQuoted(nil, name))+"}")
				modules++
			}
		}
	}
	t.Logf("%d modules, %d manifests", modules, drafts)
	if modules == 0 || drafts == 0 {
		t.Error("nothing was read")
	}
}

// The forms of ids that the FIO specification demands.
var (
	manifestIDForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}[a-z0-9]$`)
	portIDForm     = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)
)

// checkManifest holds a manifest to the rules of the FIO specification.
func checkManifest(t *testing.T, path, text string) {
	var m manifest
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if !manifestIDForm.MatchString(m.Manifest.ID) {
		t.Errorf("%s: the manifest's id is %q", path, m.Manifest.ID)
	}
	seen := make(map[string]bool)
	for _, p := range m.Ports {
		if !portIDForm.MatchString(p.ID) || seen[p.ID] {
			t.Errorf("%s: port id %q", path, p.ID)
		}
		seen[p.ID] = true
		if table := p.Shape == "table"; table != (p.Location.Layout != nil) || table == (p.Location.A1 != "") || table != (len(p.Schema.Columns) > 0) {
			t.Errorf("%s: port %s is a %s with another location or schema", path, p.ID, p.Shape)
		}
		names := make(map[string]bool)
		for _, c := range p.Schema.Columns {
			if c.Name == "" || names[c.Name] {
				t.Errorf("%s: port %s has a column %q", path, p.ID, c.Name)
			}
			names[c.Name] = true
		}
	}
}

func TestPortNames(t *testing.T) {
	names := func(list ...string) string {
		var sheets []grid.SheetInfo
		for _, n := range list {
			sheets = append(sheets, grid.SheetInfo{Name: n})
		}
		return strings.Join(portNames(sheets), " ")
	}
	for _, test := range []struct{ got, want string }{
		{names("Data", "  P&L -- 2024 ", "Лист", "!"), "data p_l_2024 sheet sheet_4"},
		{names("a 3", "A", "a!", "a?"), "a_3 a a_4 a_5"},
		{manifestID(workspace.Entry{ID: "wb-2", Slug: "Ä"}), "wb-2"},
		{manifestID(workspace.Entry{Slug: "__My (new) Book"}), "my-new-book"},
		{manifestID(workspace.Entry{Slug: strings.Repeat("x", 63) + " y"}), strings.Repeat("x", 63)},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
