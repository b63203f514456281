package xf

import (
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/grid"
)

// Leaves is a format taken apart: the text of each leaf, "" where nothing is said.
type Leaves [NLeaves]string

// Of takes a format apart.
func Of(x grid.Xf) (l Leaves) {
	for i := range leaves {
		l[i] = leaves[i].get(&x)
	}
	return l
}

// Key is a text that two formats share if they have the same leaves.
func (l *Leaves) Key() string { return strings.Join(l[:], "\x00") }

// Setting is what one leaf becomes.
type Setting struct {
	Leaf Leaf
	// Reset gives the leaf the value that the workbook's default format has, which is number 0.
	Reset bool
	Value string // in the form of [Check]
}

// Settings is what happens to a format. Of two settings of one leaf the later counts.
type Settings []Setting

// Check gives a value in the form in which leaves are kept. The error says what the leaf takes.
func Check(l Leaf, value string) (string, error) {
	if l >= NLeaves {
		return "", fmt.Errorf("a format has no %v", l)
	}
	v, err := leaves[l].check(value)
	if err != nil {
		return "", fmt.Errorf("%v: %w", l, err)
	}
	return v, nil
}

// Check reports the first setting that is wrong.
func (s Settings) Check() error {
	for _, one := range s {
		if one.Reset {
			if one.Leaf >= NLeaves {
				return fmt.Errorf("a format has no %v", one.Leaf)
			}
			continue
		}
		v, err := Check(one.Leaf, one.Value)
		if err != nil {
			return err
		}
		if v != one.Value {
			return fmt.Errorf("%v: %q is to be written as %q", one.Leaf, clip(one.Value), v)
		}
	}
	return nil
}

// Difference gives the settings that make of a format that says a one that says b. They name all
// that follows from them, too, so that nothing else does.
func Difference(a, b *Leaves) (s Settings) {
	var say [NLeaves]bool
	for i := range a {
		if a[i] != b[i] {
			say[i] = true
			for _, k := range follow(Leaf(i)) {
				say[k] = true
			}
		}
	}
	for i := range say {
		if say[i] {
			s = append(s, Setting{Leaf: Leaf(i), Value: b[i]})
		}
	}
	return s
}

// follow gives the leaves that a setting of l may change besides.
func follow(l Leaf) []Leaf {
	switch {
	case l == FontName:
		return []Leaf{FontScheme, FontFamily, FontCharset}
	case l >= FillPattern && l <= FillGradient:
		return []Leaf{FillPattern, FillForeground, FillBackground, FillGradient}
	case l >= BorderLeft && l <= BorderHorizontal && (l-BorderLeft)%2 == 0:
		return []Leaf{l + 1}
	}
	return nil
}

// Then gives the settings that do what s and then t do, by leaf, each once.
func (s Settings) Then(t Settings) Settings {
	var last [NLeaves]*Setting
	n := 0
	for _, list := range []Settings{s, t} {
		for i := range list {
			if l := list[i].Leaf; l < NLeaves {
				if last[l] == nil {
					n++
				}
				last[l] = &list[i]
			}
		}
	}
	if n == 0 {
		return nil
	}
	sum := make(Settings, 0, n)
	for _, one := range last {
		if one != nil {
			sum = append(sum, *one)
		}
	}
	return sum
}

// Sorted gives the settings by leaf, each once.
func (s Settings) Sorted() Settings { return s.Then(nil) }

// apply gives the leaves after s, where base are those of the workbook's default format.
func (s Settings) apply(l, base *Leaves) {
	for _, one := range s {
		switch {
		case one.Leaf >= NLeaves: // of a newer version
		case one.Reset:
			l[one.Leaf] = base[one.Leaf]
		default:
			l[one.Leaf] = one.Value
		}
	}
	s.consequences(l)
}

// consequences makes true what follows from settings, as Excel's dialogs do: a font that is named is no
// longer the theme's, a colour wants a pattern to be seen in, a pattern and a gradient exclude each
// other, and where there is no pattern and no line there is no colour. What a setting names is as it says,
// and what none is about stays as odd as it was.
func (s Settings) consequences(l *Leaves) {
	var named, set [NLeaves]bool // by a setting; with a value
	for _, one := range s {
		if one.Leaf < NLeaves {
			named[one.Leaf] = true
			set[one.Leaf] = !one.Reset && l[one.Leaf] != ""
		}
	}
	become := func(value string, list ...Leaf) {
		for _, i := range list {
			if !named[i] {
				l[i] = value
			}
		}
	}
	if set[FontName] {
		become("", FontScheme, FontFamily, FontCharset)
	}
	switch {
	case set[FillGradient]:
		l[FillPattern], l[FillForeground], l[FillBackground] = "", "", ""
	case set[FillPattern] || set[FillForeground]:
		l[FillGradient] = ""
		if l[FillPattern] == "" {
			become("solid", FillPattern)
		}
	}
	if (named[FillPattern] || named[FillForeground] || named[FillBackground]) && l[FillPattern] == "" {
		l[FillForeground], l[FillBackground] = "", ""
	}
	for i := BorderLeft; i <= BorderHorizontal; i += 2 {
		if (named[i] || named[i+1]) && l[i] == "" {
			l[i+1] = "" // no file can say the colour of no line
		}
	}
}

// Apply gives the format that x becomes by s, and whether it is another one. base is the workbook's
// default format, which is number 0. Parts in which nothing changed are those of x; all others are new.
func Apply(x, base grid.Xf, s Settings) (grid.Xf, bool) {
	was, zero := Of(x), Of(base)
	is := was
	s.apply(&is, &zero)
	if is == was {
		return x, false
	}
	p := parts{numFmt: x.NumFmt, font: of(x.Font), fill: of(x.Fill), border: of(x.Border), alignment: of(x.Alignment), protection: grid.Protection{Locked: true}}
	if x.Protection != nil {
		p.protection = *x.Protection
	}
	for i := range leaves {
		if was[i] != is[i] {
			leaves[i].set(&p, is[i])
		}
	}
	changed := func(first, last Leaf) bool { return !slices.Equal(was[first:last+1], is[first:last+1]) }
	if changed(NumberFormat, NumberFormat) {
		x.NumFmt, x.NumFmtID = p.numFmt, 0 // a new one has no id before somebody gives it one
	}
	if changed(FontName, FontCharset) {
		x.Font = &p.font
	}
	if changed(FillPattern, FillGradient) {
		if p.fill.Pattern == "" && p.fill.GradientType == "" {
			p.fill.Pattern = "none"
		}
		x.Fill = &p.fill
	}
	if changed(BorderLeft, BorderDiagonalDown) {
		x.Border = &p.border
	}
	if changed(AlignHorizontal, AlignReadingOrder) {
		x.Alignment = &p.alignment
	}
	if changed(ProtectLocked, ProtectHidden) {
		x.Protection = &p.protection
	}
	return x, true
}
