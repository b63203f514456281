package book

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// The bounds of Excel for links and notes: texts in UTF-16 code units.
const (
	MaxHyperlinks = 65530 // of one sheet
	MaxTarget     = 2079
	MaxTooltip    = 255
	MaxAuthor     = 255 // ours
)

var hyperlinksPart = part{
	name:  "hyperlinks",
	given: func(o *Arrange) bool { return o.Hyperlinks != nil },
	check: func(o *Arrange) *Error {
		for i := range *o.Hyperlinks {
			h := &(*o.Hyperlinks)[i]
			if err := checkRule([]cell.Range{h.Range}, h.Target, h.Location, h.Display, h.Tooltip); err != nil {
				return err
			}
		}
		return nil
	},
	fits: func(o *Arrange, _ *draft, _ int, sheet *grid.Sheet) error {
		if n := len(*o.Hyperlinks); n > MaxHyperlinks && n > len(sheet.Layout.Hyperlinks) {
			return errorf(TooMany, "Use the function HYPERLINK for more.", "a sheet has %d links at most", MaxHyperlinks)
		}
		known := knownRules(sheet.Layout.Hyperlinks)
		for _, h := range *o.Hyperlinks {
			switch {
			case known(h):
			case h.Target == "" && h.Location == "":
				return errorf(BadLayout, "", "the link of %v leads nowhere", h.Range)
			case utf16Longer(h.Target, MaxTarget) || utf16Longer(h.Location, MaxTarget):
				return errorf(TooLong, "", "the target of the link of %v is longer than %d characters", h.Range, MaxTarget)
			case utf16Longer(h.Tooltip, MaxTooltip):
				return errorf(TooLong, "", "the tooltip of the link of %v is longer than %d characters", h.Range, MaxTooltip)
			}
		}
		return nil
	},
	apply: func(o *Arrange, l *grid.Layout) { l.Hyperlinks = slices.Clone(*o.Hyperlinks) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !slices.Equal(was.Hyperlinks, is.Hyperlinks) {
			o.Hyperlinks = &is.Hyperlinks
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		list := mergeLists(base.Hyperlinks, onto.Hyperlinks, from.Hyperlinks, func(h grid.Hyperlink) cell.Range { return h.Range }, func(a, b grid.Hyperlink) bool { return a == b }, wins)
		if !slices.Equal(list, onto.Hyperlinks) {
			o.Hyperlinks = &list
		}
	},
}

var commentsPart = part{
	name:  "comments",
	given: func(o *Arrange) bool { return o.Comments != nil },
	check: func(o *Arrange) *Error {
		seen := make(map[cell.Ref]bool, len(*o.Comments))
		for _, c := range *o.Comments {
			if !c.Ref.Valid() || seen[c.Ref] {
				return errorf(BadCell, "", "cell %v is outside of a worksheet, or has two notes", c.Ref)
			}
			seen[c.Ref] = true
			if err := checkRule(nil, c.Author, c.Text); err != nil {
				return err
			}
		}
		return nil
	},
	fits: func(o *Arrange, _ *draft, _ int, sheet *grid.Sheet) error {
		threads := map[cell.Ref]grid.Comment{}
		for _, c := range sheet.Layout.Comments {
			if c.Threaded {
				threads[c.Ref] = c
			}
		}
		known := knownRules(sheet.Layout.Comments)
		for _, c := range *o.Comments {
			thread, was := threads[c.Ref]
			switch {
			case was != c.Threaded || was && thread != c:
				return errorf(BadLayout, "Answer it in Excel, or write the note into another cell.", "cell %v has a thread of comments, which cannot be changed", c.Ref)
			case was:
				delete(threads, c.Ref)
			case known(c):
			case utf16Longer(c.Text, MaxText):
				return errorf(TooLong, "", "the note of %v is longer than %d characters", c.Ref, MaxText)
			case utf16Longer(c.Author, MaxAuthor):
				return errorf(TooLong, "", "the author of the note of %v is longer than %d characters", c.Ref, MaxAuthor)
			}
		}
		for r := range threads {
			return errorf(BadLayout, "Remove it in Excel.", "cell %v has a thread of comments, which cannot be removed", r)
		}
		return nil
	},
	apply: func(o *Arrange, l *grid.Layout) { l.Comments = slices.Clone(*o.Comments) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !slices.Equal(was.Comments, is.Comments) {
			o.Comments = &is.Comments
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		notes := func(list []grid.Comment) []grid.Comment {
			return slices.DeleteFunc(slices.Clone(list), func(c grid.Comment) bool { return c.Threaded })
		}
		list := mergeLists(notes(base.Comments), notes(onto.Comments), notes(from.Comments), func(c grid.Comment) cell.Ref { return c.Ref }, func(a, b grid.Comment) bool { return a == b }, wins)
		// A thread that the other file has stays, and has its cell.
		var all []grid.Comment
		threads := map[cell.Ref]bool{}
		for _, c := range onto.Comments {
			if c.Threaded {
				all, threads[c.Ref] = append(all, c), true
			}
		}
		for _, c := range list {
			if !threads[c.Ref] {
				all = append(all, c)
			}
		}
		if !sameComments(all, onto.Comments) {
			o.Comments = &all
		}
	},
}

// sameComments compares notes whatever their order.
func sameComments(a, b []grid.Comment) bool {
	have := make(map[grid.Comment]bool, len(a))
	for _, c := range a {
		have[c] = true
	}
	for _, c := range b {
		if !have[c] {
			return false
		}
	}
	return len(a) == len(b)
}
