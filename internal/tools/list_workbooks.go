package tools

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

type listWorkbooksIn struct {
	SlugPrefix   string `json:"slug_prefix" doc:"Start of the file name"`
	Folder       string `json:"folder" doc:"Name of the folder that holds the file"`
	PathGlob     string `json:"path_glob" doc:"For example **/2024/*.xlsx"`
	Limit        int    `json:"limit" default:"100" min:"1" max:"1000" clamp:"max"`
	Offset       int    `json:"offset" default:"0" min:"0"`
	IncludePaths *bool  `json:"include_paths"`
}

type listWorkbooksOut struct {
	Cut
	Workbooks  []workbookRow `json:"workbooks"`
	NextOffset int           `json:"next_offset,omitempty"`

	total int
}

type workbookRow struct {
	WorkbookID   string         `json:"workbook_id"`
	ShortID      string         `json:"short_id"`
	Slug         string         `json:"slug"`
	Folder       string         `json:"folder,omitempty"`
	Path         string         `json:"path,omitempty"`
	Bytes        int64          `json:"bytes"`
	LastModified string         `json:"last_modified,omitempty"`
	Caps         *backendTraits `json:"caps"`
}

// backendTraits tells clients of spreadsheet-mcp what the server can read.
type backendTraits struct {
	Backend               string `json:"backend"`
	Styles                bool   `json:"supports_styles"`
	Tables                bool   `json:"supports_tables"`
	Comments              bool   `json:"supports_comments"`
	DefinedNames          bool   `json:"supports_defined_names"`
	ConditionalFormatting bool   `json:"supports_conditional_formatting"`
	FormulaGraph          bool   `json:"supports_formula_graph"`
}

var ourTraits = &backendTraits{"gridflow", true, true, true, true, true, true}

var listWorkbooks = define(Spec{
	Name: "list_workbooks", Title: "List workbooks", Toolset: "read", Core: true, Reach: ReachNothing,
	Description: "The spreadsheet files that this server can read, by name. Other tools take an id, a unique file name without extension, or a path.",
	Example:     `{"slug_prefix":"budget"}`,
}, func(ctx context.Context, env *Env, in listWorkbooksIn) (*listWorkbooksOut, error) {
	glob, err := compileGlob(in.PathGlob)
	if err != nil {
		return nil, err
	}
	paths := orElse(in.IncludePaths, env.verbose())
	out := &listWorkbooksOut{}
	lim := env.budget(in.Limit)
	full := false
	entries := env.Workspace.Entries(ctx)
	walking := env.Workspace.Walking()
	if !walking {
		entries = env.Workspace.Entries(ctx) // it may have ended after the first look
	}
	every := in.SlugPrefix == "" && in.Folder == "" && glob == nil
	if every { // how many there are is known: a page costs what is on it
		out.total = len(entries)
		entries = entries[min(in.Offset, len(entries)):]
	}
	for i, e := range entries {
		if i%lookEvery == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if every && full {
			break
		}
		if !hasPrefixFold(e.Slug, in.SlugPrefix) || in.Folder != "" && !strings.EqualFold(e.Folder, in.Folder) ||
			glob != nil && !glob.MatchString(e.Path) && !glob.MatchString(path.Join(e.Root, e.Path)) {
			continue
		}
		if !every {
			if out.total++; out.total <= in.Offset || full {
				continue
			}
		}
		row := workbookRow{WorkbookID: e.ID, ShortID: e.ShortID, Slug: e.Slug, Folder: e.Folder, Bytes: e.Bytes, LastModified: rfc3339(e.ModTime)}
		if paths {
			row.Path, row.Caps = e.Path, ourTraits
		}
		if full = !lim.takeEntry(&row); !full {
			out.Workbooks = append(out.Workbooks, row)
		}
	}
	onward(&out.Cut, &out.NextOffset, portion{"workbooks", len(out.Workbooks), out.total, false}, "list_workbooks", &in, &in.Offset)
	if walking {
		note := "the folders are still being read and more workbooks may follow; call again for the whole list, or give a path"
		out.Next = strings.TrimSuffix(note+"; "+out.Next, "; ")
	}
	return out, nil
})

// lookEvery is after how many workbooks it is looked whether anybody still waits for the list.
const lookEvery = 1024

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) || strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// compileGlob reads a glob in which * and ** match any characters, slashes included, ?
// one, [a-z] a set and {a,b} alternatives; letter case does not count. "" gives nil.
func compileGlob(glob string) (*regexp.Regexp, error) {
	if glob == "" {
		return nil, nil
	}
	bad := func() (*regexp.Regexp, error) {
		return nil, invalid("Use *, **, ?, [a-z] and {a,b}, for example **/2024/*.xlsx", "path_glob: %q is not a glob", clip(glob, 64))
	}
	if len(glob) > 1000 {
		return bad()
	}
	var b strings.Builder
	b.WriteString(`(?is)\A`)
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString(`(?:.*/)?`)
			i += 2
		case c == '*':
			b.WriteString(`.*`)
		case c == '?':
			b.WriteByte('.')
		case c == '{':
			depth++
			b.WriteString(`(?:`)
		case c == ',' && depth > 0:
			b.WriteByte('|')
		case c == '}' && depth > 0:
			depth--
			b.WriteByte(')')
		case c == '[':
			end := strings.IndexByte(glob[i:], ']')
			if end < 2 {
				return bad()
			}
			set := strings.Replace(glob[i:i+end+1], "[!", "[^", 1)
			b.WriteString(strings.ReplaceAll(set, `\`, `\\`))
			i += end
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1])) // the bytes of a character stay together
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil || depth > 0 {
		return bad()
	}
	return re, nil
}

func (o *listWorkbooksOut) appendText(b []byte, _ bool) []byte {
	if len(o.Workbooks) == 0 {
		return fmt.Appendf(b, "no workbooks (%d match without offset)\n", o.total)
	}
	b = append(b, "workbook_id\tslug\tfolder\tbytes\tmodified"...)
	paths := o.Workbooks[0].Path != ""
	if paths {
		b = append(b, "\tpath"...)
	}
	b = append(b, '\n')
	for _, w := range o.Workbooks {
		b = append(append(b, w.WorkbookID...), '\t')
		b = append(appendEscaped(b, w.Slug), '\t')
		b = appendEscaped(b, w.Folder)
		b = fmt.Appendf(b, "\t%d\t%s", w.Bytes, w.LastModified)
		if paths {
			b = appendEscaped(append(b, '\t'), w.Path)
		}
		b = append(b, '\n')
	}
	return b
}
