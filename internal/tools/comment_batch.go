package tools

import (
	"context"
	"fmt"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type commentOp struct {
	Kind   string `json:"kind" alias:"op" enum:"set|remove" also:"set_comment=set|set_note=set|add=set|add_comment=set|edit=set|remove_comment=remove|remove_comments=remove|remove_note=remove|delete=remove" default:"set"`
	Sheet  string `json:"sheet_name" required:"true"`
	Range  string `json:"range" alias:"target_range|address|cell" required:"true" doc:"One cell to set a note; any range to remove notes"`
	Text   string `json:"text" alias:"comment|note" doc:"Replaces the note that there is"`
	Author string `json:"author" doc:"Of a new note gridflow unless given; that of one which is there stays"`
}

type commentBatchIn struct {
	ForkArg
	Ops []commentOp `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

var commentBatch = define(Spec{
	Name: "comment_batch", Title: "Set and remove notes", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets, changes and removes the notes (comments) of cells of a fork. Threaded comments are kept as they are and cannot be changed; list_annotations shows both.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"sheet_name":"Sheet1","range":"B2","text":"From the March report","author":"Ann"},{"kind":"remove","sheet_name":"Sheet1","range":"C2:C9"}]}`,
}, func(ctx context.Context, env *Env, in commentBatchIn) (*countedOut, error) {
	made, err := env.batch(ctx, in.Fork, "comment_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		b.begin("comment_batch")
		return b.comment(&in.Ops[i])
	})
	if err != nil {
		return nil, err
	}
	return &countedOut{*made}, nil
})

func (b *batch) comment(op *commentOp) error {
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return err
	}
	a, err := oneArea(b.ctx, b.snap, index, op.Range)
	if err != nil {
		return err
	}
	sheet, err := b.snap.Sheet(b.ctx, a.sheet)
	if err != nil {
		return err
	}
	list := slices.Clone(sheet.Layout.Comments)
	for _, c := range list {
		if c.Threaded && a.rng.Contains(c.Ref) {
			return fail("COMMENT_THREADED", "Answer or delete it in Excel, or write a note into another cell", "%s has a thread of comments, which cannot be changed here", c.Ref)
		}
	}
	arrange := book.Arrange{Sheet: b.snap.Workbook().Sheets[a.sheet].Name, Comments: &list}
	if op.Kind == "remove" {
		if op.Text+op.Author != "" {
			return invalid("Leave them out", "to remove notes takes no text and no author")
		}
		list = slices.DeleteFunc(list, func(c grid.Comment) bool { return a.rng.Contains(c.Ref) })
		n := len(sheet.Layout.Comments) - len(list)
		if n == 0 {
			b.warn("WARN_NO_COMMENT: %s has no note", a.rng)
			return nil
		}
		b.counts["comments_removed"] += n
		return b.do(arrange)
	}
	switch {
	case op.Text == "":
		return invalid(`Example: "text":"From the March report"`, "the note has no text")
	case a.rng.First != a.rng.Last:
		if m, ok := sheet.Layout.MergeAt(a.rng.First); !ok || m != a.rng {
			return fail(codeRangeInvalid, "Name one cell", "%s is more than one cell, and a note is of one", a.rng)
		}
	}
	at := a.rng.First
	if m, ok := sheet.Layout.MergeAt(at); ok && m.First != at {
		b.warn("WARN_MERGED: %s is within the merged cells %s, of which only %s can be seen", at, m, m.First)
	}
	note := grid.Comment{Ref: at, Author: orText(op.Author, "gridflow"), Text: op.Text}
	i := slices.IndexFunc(list, func(c grid.Comment) bool { return c.Ref == at })
	switch {
	case i < 0:
		b.counts["comments_added"]++
		list = append(list, note)
		return b.do(arrange)
	case op.Author == "":
		note.Author = list[i].Author
	}
	if list[i] == note {
		b.counts["comments_skipped"]++
		return nil
	}
	b.counts["comments_changed"]++
	list[i] = note
	return b.do(arrange)
}

type listAnnotationsIn struct {
	Book
	Sheet  string `json:"sheet_name" doc:"All sheets unless given"`
	Range  string `json:"range" doc:"Only those of these cells"`
	Kinds  string `json:"kinds" enum:"all|links|comments" default:"all"`
	Limit  int    `json:"limit" default:"100" min:"1" max:"5000"`
	Offset int    `json:"offset" default:"0" min:"0"`
}

type listAnnotationsOut struct {
	Cut
	WorkbookID  string       `json:"workbook_id"`
	Annotations []annotation `json:"annotations"`
	NextOffset  int          `json:"next_offset,omitempty"`
}

type annotation struct {
	Sheet    string `json:"sheet_name"`
	Kind     string `json:"kind"` // "link", "note" or "thread"
	Range    string `json:"range"`
	Target   string `json:"target,omitempty"`
	Location string `json:"location,omitempty"`
	Tooltip  string `json:"tooltip,omitempty"`
	Author   string `json:"author,omitempty"`
	Text     string `json:"text,omitempty"` // of a link what its first cell shows
}

var listAnnotations = define(Spec{
	Name: "list_annotations", Title: "List links and comments", Toolset: "read", Reach: ReachBook,
	Description: "The hyperlinks, notes and threaded comments of a workbook or sheet, with their cells. link_batch and comment_batch change links and notes.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1"}`,
}, viewed(readAnnotations))

func readAnnotations(ctx context.Context, env *Env, snap *book.Snapshot, in listAnnotationsIn) (*listAnnotationsOut, error) {
	out := &listAnnotationsOut{WorkbookID: snap.ID}
	lim := env.budget(in.Limit)
	total, full := 0, false
	add := func(a annotation) {
		total++
		if total <= in.Offset || full {
			return
		}
		if full = !lim.takeEntry(&a); !full {
			out.Annotations = append(out.Annotations, a)
		}
	}
	err := eachLayout(ctx, snap, in.Sheet, in.Range, func(sheet string, l *grid.Layout, within []cell.Range) {
		for _, h := range l.Hyperlinks {
			if in.Kinds != "comments" && meets([]cell.Range{h.Range}, within) {
				add(annotation{Sheet: sheet, Kind: "link", Range: h.Range.String(), Target: h.Target, Location: h.Location, Tooltip: h.Tooltip, Text: h.Display})
			}
		}
		for _, c := range l.Comments {
			if in.Kinds != "links" && meets([]cell.Range{{First: c.Ref, Last: c.Ref}}, within) {
				add(annotation{Sheet: sheet, Kind: map[bool]string{true: "thread", false: "note"}[c.Threaded], Range: c.Ref.String(), Author: c.Author, Text: c.Text})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	onward(&out.Cut, &out.NextOffset, portion{"entries", len(out.Annotations), total, false}, "list_annotations", &in, &in.Offset)
	return out, nil
}

func (o *listAnnotationsOut) appendText(b []byte, _ bool) []byte {
	if len(o.Annotations) == 0 && o.Next == "" {
		return append(b, "no links or comments\n"...)
	}
	sheet := ""
	for i := range o.Annotations {
		a := &o.Annotations[i]
		if a.Sheet != sheet {
			sheet = a.Sheet
			b = append(appendEscaped(b, sheet), '\n')
		}
		b = append(append(append(append(b, "  "...), a.Range...), '\t'), a.Kind...)
		for _, s := range []struct{ before, text string }{{" to ", a.Target}, {" to #", a.Location}, {" of ", a.Author}, {": ", a.Text}, {"\ttip ", a.Tooltip}} {
			if s.text != "" {
				b = appendEscaped(append(b, s.before...), s.text)
			}
		}
		b = append(b, '\n')
	}
	return b
}

// annotatedMax bounds the links and comments that a page tells of.
const annotatedMax = 10

// annotated tells of the links and comments on some cells.
func annotated(l *grid.Layout, page cell.Range) (notes []string) {
	more := 0
	add := func(format string, args ...any) {
		if len(notes) == annotatedMax {
			more++
			return
		}
		notes = append(notes, plain(fmt.Sprintf(format, args...)))
	}
	for _, h := range l.Hyperlinks {
		if _, ok := h.Range.Intersect(page); ok {
			to := h.Target
			if h.Location != "" {
				to += "#" + h.Location
			}
			add("%s links to %s", h.Range, clip(to, 100))
		}
	}
	for _, c := range l.Comments {
		if page.Contains(c.Ref) {
			add("comment on %s: %s", c.Ref, clip(c.Text, 100))
		}
	}
	if more > 0 {
		notes = append(notes, fmt.Sprintf("%d more links and comments: list_annotations has them", more))
	}
	return notes
}
