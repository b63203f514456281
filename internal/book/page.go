package book

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// whole is a part that is one thing: where both sides changed it, one of them has the say.
func whole[T any](name string, in func(o *Arrange) **T, of func(l *grid.Layout) *T, check func(v *T) *Error) part {
	return part{
		name:  name,
		given: func(o *Arrange) bool { return *in(o) != nil },
		check: func(o *Arrange) *Error { return check(*in(o)) },
		apply: func(o *Arrange, l *grid.Layout) { *of(l) = **in(o) },
		change: func(o *Arrange, was, is *grid.Layout) {
			if !reflect.DeepEqual(*of(was), *of(is)) {
				*in(o) = of(is)
			}
		},
		merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
			if (wins || reflect.DeepEqual(*of(base), *of(onto))) && !reflect.DeepEqual(*of(from), *of(onto)) {
				*in(o) = of(from)
			}
		},
	}
}

var (
	tabPart = whole("tab_color", func(o *Arrange) **string { return &o.TabColor }, func(l *grid.Layout) *string { return &l.TabColor }, checkTab)

	marginsPart = whole("page_margins", func(o *Arrange) **grid.PageMargins { return &o.Margins }, func(l *grid.Layout) *grid.PageMargins { return &l.Margins }, checkMargins)

	setupPart = whole("page_setup", func(o *Arrange) **grid.PageSetup { return &o.Setup }, func(l *grid.Layout) *grid.PageSetup { return &l.Setup }, checkSetup)

	breaksPart = whole("page_breaks", func(o *Arrange) **grid.PageBreaks { return &o.Breaks }, func(l *grid.Layout) *grid.PageBreaks { return &l.Breaks }, checkBreaks)

	edgesPart = whole("header_footer", func(o *Arrange) **grid.HeaderFooter { return &o.Edges }, func(l *grid.Layout) *grid.HeaderFooter { return &l.Edges }, checkEdges)

	protectionPart = whole("protection", func(o *Arrange) **grid.SheetProtection { return &o.Protection }, func(l *grid.Layout) *grid.SheetProtection { return &l.Protection },
		func(p *grid.SheetProtection) *Error {
			if p.Allow&^grid.AllowAll != 0 {
				return errorf(BadLayout, "", "nothing is allowed by %#x", uint32(p.Allow))
			}
			return checkPassword(p.Password)
		})
)

func checkTab(color *string) *Error {
	if *color == "" {
		return nil
	}
	if v, err := xf.CheckColor(*color); err != nil || v != *color {
		return errorf(BadLayout, "", "%.40q is no colour of a tab", *color)
	}
	return nil
}

// The bounds of Excel for pages: margins in inches, scales in percent, pages, breaks of a kind, and characters
// of a header or footer.
const (
	MaxMargin   = 49
	MinScale    = 10
	MaxScale    = 400
	MaxPages    = 32767
	MaxBreaks   = 1026
	MaxPageEdge = 255
)

func checkMargins(m *grid.PageMargins) *Error {
	for _, v := range [...]float64{m.Left, m.Right, m.Top, m.Bottom, m.Header, m.Footer} {
		if !(v >= 0 && v < MaxMargin) { // NaN is not
			return errorf(BadLayout, fmt.Sprintf("Margins are 0 to %d inches.", MaxMargin), "a margin cannot be %v inches", v)
		}
	}
	return nil
}

func checkSetup(s *grid.PageSetup) *Error {
	switch {
	case !slices.Contains([]string{"", "portrait", "landscape"}, s.Orientation):
		return errorf(BadLayout, "There are portrait and landscape.", "a page has no orientation %.40q", s.Orientation)
	case s.Scale != 0 && (s.Scale < MinScale || s.Scale > MaxScale):
		return errorf(BadLayout, fmt.Sprintf("It is %d to %d.", MinScale, MaxScale), "the scale cannot be %d %%", s.Scale)
	case s.Wide < 0 || s.Wide > MaxPages || s.Tall < 0 || s.Tall > MaxPages:
		return errorf(BadLayout, "", "a sheet cannot be %d pages wide and %d tall", s.Wide, s.Tall)
	case s.Paper < 0 || s.Paper > math.MaxInt16:
		return errorf(BadLayout, "", "there is no paper size %d", s.Paper)
	}
	return nil
}

func checkBreaks(b *grid.PageBreaks) *Error {
	for _, x := range []struct {
		list []int
		most int
		what string
	}{{b.Rows, cell.MaxRows, "row"}, {b.Cols, cell.MaxCols, "column"}} {
		if len(x.list) > MaxBreaks {
			return errorf(TooMany, "", "a sheet has %d %s breaks at most", MaxBreaks, x.what)
		}
		last := 0
		for _, n := range x.list {
			if n <= last || n >= x.most {
				return errorf(BadLayout, "", "a page cannot end with %s %d, or comes after another that it should come before", x.what, n)
			}
			last = n
		}
	}
	return nil
}

func checkEdges(h *grid.HeaderFooter) *Error {
	for _, s := range [...]string{h.OddHeader, h.OddFooter, h.EvenHeader, h.EvenFooter, h.FirstHeader, h.FirstFooter} {
		switch {
		case !utf8.ValidString(s):
			return errorf(BadValue, "Texts are UTF-8.", "a header or footer is not valid UTF-8")
		case utf16Longer(s, MaxPageEdge):
			return errorf(TooLong, "", "a header or footer is longer than %d characters", MaxPageEdge)
		}
	}
	return nil
}

// maxSpin bounds how often a password is hashed; ECMA-376 knows no more.
const maxSpin = 10_000_000

func checkPassword(p grid.Password) *Error {
	for _, s := range []string{p.Hash, p.Salt} {
		if _, err := base64.StdEncoding.DecodeString(s); err != nil || len(s) > 1024 {
			return errorf(BadLayout, "", "what is kept of a password is not in base64")
		}
	}
	if len(p.Algorithm) > 64 || len(p.Legacy) > 64 || !utf8.ValidString(p.Algorithm) || !utf8.ValidString(p.Legacy) || p.Spin < 0 || p.Spin > maxSpin {
		return errorf(BadLayout, "", "what is kept of a password is none")
	}
	return nil
}
