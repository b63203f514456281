package tools

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/outside"
	"gridflow/internal/xf"
)

type linkOp struct {
	Kind     string `json:"kind" alias:"op" enum:"set|remove" also:"set_link=set|set_hyperlink=set|remove_link=remove|remove_links=remove|remove_hyperlink=remove" default:"set"`
	Sheet    string `json:"sheet_name" required:"true"`
	Range    string `json:"range" alias:"target_range|address|cell" required:"true" doc:"B2, B2:C3, a name or a table"`
	Target   string `json:"target" alias:"url" doc:"Outside of the workbook: https://…, mailto:…"`
	Location string `json:"location" doc:"Inside of it: Sheet2!A1 or a defined name"`
	Text     string `json:"text" alias:"display" doc:"Written into the first cell"`
	Tooltip  string `json:"tooltip"`
	Look     bool   `json:"format" default:"true" doc:"The cells look like links: underlined, in the theme's colour"`
}

type linkBatchIn struct {
	ForkArg
	Ops []linkOp `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

var linkBatch = define(Spec{
	Name: "link_batch", Title: "Set and remove links", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets hyperlinks on cells of a fork, to addresses outside or places inside of the workbook, and removes them. list_annotations shows what there is.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"sheet_name":"Sheet1","range":"A2","target":"https://example.org/","text":"Site"},{"sheet_name":"Sheet1","range":"A3","location":"Sheet2!A1"},{"kind":"remove","sheet_name":"Sheet1","range":"C2:C9"}]}`,
}, func(ctx context.Context, env *Env, in linkBatchIn) (*countedOut, error) {
	made, err := env.batch(ctx, in.Fork, "link_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		b.begin("link_batch")
		return b.link(&in.Ops[i], env.Links)
	})
	if err != nil {
		return nil, err
	}
	return &countedOut{*made}, nil
})

func (b *batch) link(op *linkOp, policy outside.Policy) error {
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return err
	}
	a, err := oneArea(b.ctx, b.snap, index, op.Range)
	if err != nil {
		return err
	}
	name := b.snap.Workbook().Sheets[a.sheet].Name
	sheet, err := b.snap.Sheet(b.ctx, a.sheet)
	if err != nil {
		return err
	}
	var list []grid.Hyperlink
	gone := 0
	for _, h := range sheet.Layout.Hyperlinks {
		left := book.Cut([]cell.Range{h.Range}, []cell.Range{a.rng})
		if len(left) != 1 || left[0] != h.Range {
			gone++
		}
		for _, r := range left {
			h.Range = r
			list = append(list, h)
		}
	}
	if op.Kind == "remove" {
		if op.Target+op.Location+op.Text+op.Tooltip != "" {
			return invalid("Leave them out", "to remove links takes no target, location, text and tooltip")
		}
		if gone == 0 {
			b.warn("WARN_NO_LINK: %s has no link", a.rng)
			return nil
		}
		b.counts["links_removed"] += gone
		return b.do(book.Arrange{Sheet: name, Hyperlinks: &list})
	}
	h, err := b.linkTo(op, a.rng, policy)
	if err != nil {
		return err
	}
	if slices.Contains(sheet.Layout.Hyperlinks, h) && op.Text == "" {
		b.counts["links_skipped"]++
		return nil
	}
	b.counts["links_set"]++
	b.counts["links_replaced"] += gone
	list = append(list, h)
	ops := []book.Op{book.Arrange{Sheet: name, Hyperlinks: &list}}
	if op.Text != "" {
		e := b.editor(a.sheet)
		e.set(a.sheet, book.CellEdit{Ref: a.rng.First, Value: cell.TextValue(op.Text)})
		if err := b.collect(e); err != nil {
			return err
		}
		ops = append(ops, e.edit().Ops...)
	} else if c, ok := sheet.At(a.rng.First); !ok || c.Empty() {
		b.warn("WARN_LINK_UNSEEN: %s is blank, so that nobody sees its link; text writes one", a.rng.First)
	}
	if op.Look {
		part, ok := clipToUsed(sheet, a.rng)
		if !ok { // a link on whole columns of an empty sheet
			part = cell.Range{First: a.rng.First, Last: a.rng.First}
		}
		ops = append(ops, book.FormatCells{Sheet: name, Ranges: []cell.Range{part}, Settings: xf.Settings{{Leaf: xf.FontUnderline, Value: "single"}, {Leaf: xf.FontColor, Value: "theme:10"}}})
	}
	return b.do(ops...)
}

// linkTo reads where a link leads.
func (b *batch) linkTo(op *linkOp, r cell.Range, policy outside.Policy) (h grid.Hyperlink, err error) {
	h = grid.Hyperlink{Range: r, Tooltip: op.Tooltip, Display: op.Text}
	target, location := strings.TrimSpace(op.Target), strings.TrimPrefix(strings.TrimSpace(op.Location), "#")
	if place, inside := strings.CutPrefix(target, "#"); inside && location == "" {
		target, location = "", place
	}
	switch {
	case (target == "") == (location == ""):
		return h, invalid(`Examples: "target":"https://example.org/", "location":"Sheet2!A1"`, "a link needs a target outside of the workbook or a location inside of it, one of them")
	case location != "":
		if _, err := areas(b.ctx, b.snap, 0, location); err != nil {
			b.warn("WARN_LINK_LOCATION: %s is no place of the workbook", clip(location, 60))
		}
		h.Location = location
		return h, nil
	}
	if strings.ContainsFunc(target, unicode.IsControl) {
		return h, invalid("", "the target of the link of %s has characters that no address has", r)
	}
	h.Target = strings.ReplaceAll(target, " ", "%20")
	if why := danger(target); why != "" && policy != outside.Allow {
		if policy == outside.Refuse {
			return h, fail("LINK_REFUSED", "Link to a web or mail address, or to a place of the workbook; the operator decides by --link-targets", "the target %q of %s %s", clip(target, 60), r, why)
		}
		b.warn("WARN_LINK_TARGET: the target %s of %s %s", clip(target, 60), r, why)
	}
	return h, nil
}

// danger says what following a link may do that people do not expect of one, "" for web and mail addresses.
func danger(target string) string {
	if strings.HasPrefix(target, `\\`) || strings.HasPrefix(target, "//") {
		return "is a file of another machine"
	}
	scheme, _, ok := strings.Cut(target, ":")
	if ok && len(scheme) == 1 {
		return "is a file"
	}
	if _, err := url.Parse(target); err != nil {
		return "is no address that can be read"
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "tel", "sms", "ftp", "ftps", "sftp":
		if ok {
			return ""
		}
	case "file":
		return "is a file"
	case "javascript", "vbscript", "data":
		return "is a script, or may be one"
	}
	if !ok || strings.ContainsAny(scheme, "/.?") {
		return "is a file beside the workbook"
	}
	return "opens whatever program knows " + clip(strings.ToLower(scheme), 20) + ":"
}
