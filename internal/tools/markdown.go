package tools

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Markdown writes the reference of the tools in rows, by toolset and then in their order.
// That of all tools is docs/tools.md.
func Markdown(w io.Writer, rows []Tool) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "# Tools\n\n"+
		"This file is made by `make generate` from the table of tools; do not edit it.\n\n"+
		"Tools marked *core* are on offer unless other toolsets are chosen. Arguments are decoded strictly: an unknown one is an error "+
		"that names the nearest. Where nothing is lost the form may differ: `\"5\"` for 5, one text for an array of one, enum values in any case, null for absent. "+
		"For a value of a cell, or one that is compared with it, a schema says string, because some clients refuse a schema without a type: a JSON number, boolean or null is one too.\n")
	var sets []string
	bySet := map[string][]*Tool{}
	for i := range rows {
		t := &rows[i]
		if bySet[t.Toolset] == nil {
			sets = append(sets, t.Toolset)
		}
		bySet[t.Toolset] = append(bySet[t.Toolset], t)
	}
	for _, set := range slices.Sorted(slices.Values(sets)) {
		fmt.Fprintf(b, "\n## Toolset %s\n", set)
		for _, t := range bySet[set] {
			t.markdown(b)
		}
	}
	return b.Flush()
}

func (t *Tool) markdown(b *bufio.Writer) {
	fmt.Fprintf(b, "\n### %s\n\n%s", t.Name, t.Title)
	if t.Core {
		fmt.Fprint(b, " · *core*")
	}
	switch {
	case t.ReadOnly:
		fmt.Fprint(b, " · read-only")
	case t.Destructive:
		fmt.Fprint(b, " · destructive")
	}
	fmt.Fprintf(b, "\n\n%s\n", t.Description)
	params := t.Params()
	if len(params) > 0 {
		fmt.Fprint(b, "\n| argument | type | default | meaning |\n|---|---|---|---|\n")
	}
	for i := range params {
		p := &params[i]
		name := "`" + p.Name + "`"
		for _, a := range p.Aliases {
			name += ", `" + a + "`"
		}
		def := p.Default
		if p.Required {
			def = "*required*"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, p.Type, def, strings.ReplaceAll(p.meaning(), "|", "\\|"))
	}
	if t.Example != "" {
		fmt.Fprintf(b, "\nExample: `%s %s`\n", t.Name, t.Example)
	}
}

// meaning is the documentation of an argument with its bounds.
func (p *Param) meaning() string {
	var parts []string
	if p.Doc != "" {
		parts = append(parts, p.Doc)
	}
	if len(p.Enum) > 0 {
		parts = append(parts, "one of `"+strings.Join(p.Enum, "`, `")+"`")
	}
	number := func(f *float64) string { return strconv.FormatFloat(*f, 'f', -1, 64) }
	switch {
	case p.Min != nil && p.Max != nil:
		parts = append(parts, number(p.Min)+" to "+number(p.Max))
	case p.Min != nil:
		parts = append(parts, "at least "+number(p.Min))
	case p.Max != nil:
		parts = append(parts, "at most "+number(p.Max))
	}
	return strings.Join(parts, "; ")
}
