package tools

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/nearest"
	"gridflow/internal/xf"
)

type styleOp struct {
	OpTarget
	Patch *Tree  `json:"patch" alias:"style" doc:"What changes: font{name,size,bold,italic,underline,strikethrough,color}, fill{pattern_type,foreground_color,background_color} or fill{color}, borders{left,right,top,bottom,diagonal:{style,color}}, alignment{horizontal,vertical,wrap_text,text_rotation,indent,shrink_to_fit}, number_format, protection{locked,hidden}. Colours #RRGGBB or theme:4:0.4. null clears"`
	Mode  string `json:"op_mode" enum:"merge|set|clear" default:"merge" doc:"set begins with the default format; clear goes back to it"`
}

type styleBatchIn struct {
	ForkArg
	Ops []styleOp `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

var styleBatch = define(Spec{
	Name: "style_batch", Title: "Format cells", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Changes how cells of a fork look: fonts, fills, borders, alignment, number formats, protection. Only what the patch names changes; theme colours, named styles and all else stay. Whole columns (A:C) and rows (3:5) get formats as such, which cells written later have too.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"sheet_name":"Sheet1","target":{"kind":"range","range":"A1:D1"},"patch":{"font":{"bold":true},"fill":{"color":"#DDEBF7"},"borders":{"bottom":{"style":"thin"}}}},{"sheet_name":"Sheet1","range":"C2:C99","patch":{"number_format":"#,##0.00"}}]}`,
}, func(ctx context.Context, env *Env, in styleBatchIn) (*batchOut, error) {
	return env.batch(ctx, in.Fork, "style_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		op := in.Ops[i]
		b.begin("style_batch")
		sheet, ranges, err := b.meant(op.OpTarget)
		if err != nil {
			return err
		}
		f := book.FormatCells{Sheet: b.snap.Workbook().Sheets[sheet].Name, Anew: op.Mode != "merge"}
		var columns, rows []book.Lines
		if op.Mode != "clear" {
			if op.Patch == nil {
				return invalid(`Example: "patch":{"font":{"bold":true}}`, "patch is missing")
			}
			p := stylePatch{warn: b.warn}
			if err := p.branch("", op.Patch.node); err != nil {
				return err
			}
			f.Settings = p.settings
		} else if op.Patch != nil && len(op.Patch.node.names) > 0 && env.Profile != Compat { // A's schema has it required
			return invalid("Leave the patch out, or give op_mode set", "op_mode clear takes no patch")
		}
		for _, r := range ranges {
			switch {
			case r.First.Row == 0 && r.Last.Row == cell.MaxRows-1:
				columns = append(columns, book.Lines{First: r.First.Col, Last: r.Last.Col})
			case r.First.Col == 0 && r.Last.Col == cell.MaxCols-1:
				rows = append(rows, book.Lines{First: r.First.Row, Last: r.Last.Row})
			default:
				f.Ranges = append(f.Ranges, r)
				b.counts["cells_touched"] += int(min(r.Cells(), book.MaxFormat+1))
			}
		}
		var ops []book.Op
		for _, lines := range [...]struct {
			rows  bool
			spans []book.Lines
			count string
		}{{false, columns, "columns_touched"}, {true, rows, "rows_touched"}} {
			if len(lines.spans) == 0 {
				continue
			}
			ops = append(ops, book.FormatLines{Sheet: f.Sheet, Rows: lines.rows, Spans: lines.spans, Anew: f.Anew, Settings: f.Settings})
			for _, l := range lines.spans {
				b.counts[lines.count] += l.Last - l.First + 1
			}
		}
		if len(f.Ranges) > 0 {
			ops = append(ops, f)
		}
		return b.do(ops...)
	})
})

// stylePatch reads a patch of a style as JSON: the leaves of package xf as a tree, in which null resets
// what it stands for.
type stylePatch struct {
	settings xf.Settings
	warn     func(format string, args ...any)
}

func (p *stylePatch) branch(path string, n node) error {
	if path != "" && len(xf.Under(path)) == 0 {
		return p.unknown(path)
	}
	switch {
	case n.kind == nullNode:
		for _, leaf := range xf.Under(path) {
			p.settings = append(p.settings, xf.Setting{Leaf: leaf, Reset: true})
		}
		return nil
	case path == "number_format" && n.kind == objectNode:
		return p.numberFormat(n)
	case path == "fill" && n.kind == objectNode:
		return p.fill(n)
	case n.kind == objectNode:
		if _, leaf := xf.Named(path); leaf {
			return invalid("", "%s is an object, wanted one value", path)
		}
		for i, name := range n.names {
			sub := name
			if path != "" {
				sub = path + "." + name
			}
			if err := p.branch(sub, n.items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	leaf, ok := xf.Named(path)
	if !ok {
		if n.kind == textNode && strings.HasPrefix(path, "borders.") { // "left":"thin"
			return p.set(path+".style", n.text)
		}
		return invalid(`Example: "patch":{"font":{"bold":true}}`, "%s is %s, wanted an object", path, n.brief())
	}
	if n.kind == arrayNode {
		return invalid("", "%s is an array, wanted one value", path)
	}
	value := n.text
	if n.kind == boolNode && leaf == xf.FontUnderline {
		value = map[string]string{"true": "single", "false": ""}[n.text]
	}
	return p.set(path, value)
}

// set notes what a leaf becomes.
func (p *stylePatch) set(path, value string) error {
	leaf, ok := xf.Named(path)
	if !ok {
		return p.unknown(path)
	}
	v, err := xf.Check(leaf, value)
	if err != nil {
		return fail("BAD_STYLE", "", "%v", err)
	}
	if strings.HasSuffix(path, "color") && strings.HasPrefix(v, "FF") && len(strings.TrimPrefix(value, "#")) < 8 {
		p.warn("WARN_COLOR_ALPHA_DEFAULT: %s has no alpha; FF is taken", clip(value, 20))
	}
	p.settings = append(p.settings, xf.Setting{Leaf: leaf, Value: v})
	return nil
}

// unknown names what there is in the branch in which a name is not.
func (p *stylePatch) unknown(path string) error {
	parent := ""
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent = path[:i]
	}
	names := map[string]bool{}
	for i := range xf.NLeaves {
		if rest, ok := strings.CutPrefix(i.String(), parent); ok {
			name, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), ".")
			names[name] = true
		}
	}
	list := slices.Sorted(maps.Keys(names))
	name := path[strings.LastIndexByte(path, '.')+1:]
	hint := "There are " + strings.Join(list, ", ")
	if near := nearest.Names(name, list, 1); len(near) > 0 {
		hint = fmt.Sprintf("Did you mean %q?", near[0])
	}
	return fail("BAD_STYLE", hint, "a style has no %s", clip(path, 64))
}

// numberFormats are the kinds of number format that have a name, with what they stand for.
var numberFormats = map[string]string{
	"currency": "$#,##0.00", "percent": "0.00%", "date_iso": "yyyy-mm-dd", "accounting": `_($* #,##0.00_)`, "integer": "0",
	"general": "General", "text": "@", "scientific": "0.00E+00",
}

func (p *stylePatch) numberFormat(n node) error {
	kind, code := "", ""
	for i, name := range n.names {
		switch name {
		case "kind":
			kind = strings.ToLower(n.items[i].text)
		case "format_code":
			code = n.items[i].text
		default:
			return invalid(`Example: "number_format":{"kind":"percent"}`, "number_format has no %s", clip(name, 40))
		}
	}
	known, ok := numberFormats[kind]
	if kind != "" && !ok {
		return invalid("There are "+strings.Join(slices.Sorted(maps.Keys(numberFormats)), ", "), "number_format has no kind %s", clip(kind, 40))
	}
	if code == "" {
		code = known
	}
	p.warn("WARN_STYLE_SHORTHAND: number_format was read as %s", code)
	return p.set("number_format", code)
}

func (p *stylePatch) fill(n node) error {
	at := func(name string) (node, bool) {
		i := slices.Index(n.names, name)
		if i < 0 {
			return node{}, false
		}
		return n.items[i], true
	}
	if color, ok := at("color"); ok {
		if len(n.names) > 1 {
			return invalid("", "fill has a color and more: color stands alone, for a solid fill")
		}
		if color.kind == nullNode {
			return p.branch("fill", color)
		}
		p.warn("WARN_FILL_COLOR: fill.color was read as a solid fill")
		if err := p.set("fill.pattern_type", "solid"); err != nil {
			return err
		}
		return p.set("fill.foreground_color", color.text)
	}
	kind, _ := at("kind")
	stops, gradient := at("stops")
	if gradient || strings.EqualFold(kind.text, "gradient") {
		return p.gradient(n, stops)
	}
	for i, name := range n.names {
		if name == "kind" {
			continue
		}
		if err := p.branch("fill."+name, n.items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *stylePatch) gradient(n, stops node) error {
	const example = `Example: "fill":{"kind":"gradient","degree":90,"stops":[{"position":0,"color":"#FFFFFF"},{"position":1,"color":"#4472C4"}]}`
	degree := "0"
	for i, name := range n.names {
		switch name {
		case "kind", "stops":
		case "degree":
			degree = n.items[i].text
		default:
			return invalid(example, "a gradient has no %s", clip(name, 40))
		}
	}
	text := "linear " + degree + " 0 0 0 0"
	for _, stop := range stops.items {
		var position, color string
		for i, name := range stop.names {
			switch name {
			case "position":
				position = stop.items[i].text
			case "color":
				color = stop.items[i].text
			}
		}
		if color == "" {
			color = "auto" // as exports have it
		}
		text += " " + position + "=" + color
	}
	v, err := xf.Check(xf.FillGradient, text)
	if err != nil {
		return fail("BAD_STYLE", example, "%v", err)
	}
	p.settings = append(p.settings, xf.Setting{Leaf: xf.FillGradient, Value: v})
	return nil
}
