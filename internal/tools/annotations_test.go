package tools

import (
	"errors"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/outside"
)

// TestThreadsStay: threaded comments are neither changed nor removed, and notes beside them can be.
func TestThreadsStay(t *testing.T) {
	b := newTestBook()
	b.addSheet(t, "S", "1|2\n@comment A1 a note")
	l := *b.sheets[0].Layout
	l.Comments = append(l.Comments, grid.Comment{Ref: cell.Ref{Col: 1}, Author: "Bob", Text: "first\nAnn: second", Threaded: true})
	b.sheets[0] = b.sheets[0].WithLayout(&l)
	for _, c := range []struct{ kind, rng, code string }{{"set", "B1", "COMMENT_THREADED"}, {"remove", "A1:B1", "COMMENT_THREADED"}, {"remove", "A1", ""}, {"set", "A2", ""}} {
		made := &batch{ctx: t.Context(), snap: book.NewSnapshot("wb", "r", b), counts: map[string]int{}}
		op := commentOp{Kind: c.kind, Sheet: "S", Range: c.rng}
		if c.kind == "set" {
			op.Text = "x"
		}
		err := made.comment(&op)
		var e *Error
		if errors.As(err, &e) != (c.code != "") || e != nil && e.Code != c.code {
			t.Errorf("%+v: %v", c, err)
		}
	}
	// Nor by who goes round the tools.
	s := book.NewSnapshot("wb", "r", b)
	for _, list := range [][]grid.Comment{{}, {{Ref: cell.Ref{Col: 1}, Text: "x"}}, {{Ref: cell.Ref{Col: 1}, Text: "x", Threaded: true}}} {
		var wrong *book.Error
		if _, _, err := s.Apply(t.Context(), book.Edit{Ops: []book.Op{book.Arrange{Sheet: "S", Comments: &list}}}); !errors.As(err, &wrong) || wrong.Code != book.BadLayout {
			t.Errorf("%+v: %v", list, err)
		}
	}
}

// TestLinkPolicy: what the operator has said of links that may do harm holds.
func TestLinkPolicy(t *testing.T) {
	b := newTestBook()
	b.addSheet(t, "S", "1|2")
	for _, c := range []struct {
		policy outside.Policy
		target string
		warned bool
		code   string
	}{
		{"", "file:///x", true, ""}, {outside.Warn, "javascript:x", true, ""}, {outside.Allow, "file:///x", false, ""}, {outside.Refuse, "FILE:///x", false, "LINK_REFUSED"},
		{outside.Refuse, "data:text/html,x", false, "LINK_REFUSED"}, {outside.Refuse, "x.exe", false, "LINK_REFUSED"}, {outside.Refuse, "https://example.org", false, ""}, {outside.Refuse, "#S!A1", false, ""},
		{outside.Refuse, "//host/share", false, "LINK_REFUSED"}, {outside.Refuse, " javascript:x", false, "LINK_REFUSED"}, {outside.Refuse, "java\tscript:x", false, "INVALID_PARAMS"},
	} {
		made := &batch{ctx: t.Context(), snap: book.NewSnapshot("wb", "r", b), counts: map[string]int{}}
		err := made.link(&linkOp{Kind: "set", Sheet: "S", Range: "A1", Target: c.target}, c.policy)
		var e *Error
		if errors.As(err, &e) != (c.code != "") || e != nil && e.Code != c.code || (len(made.warnings) > 0) != c.warned {
			t.Errorf("%+v: %v, %q", c, err, made.warnings)
		}
	}
}
