package xf_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/grid"
	. "gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
)

var normal = grid.Xf{NumFmt: "General", Font: &grid.Font{Name: "Calibri", Size: 11, Family: 2, Scheme: "minor", Color: &grid.Color{Theme: 1, Indexed: -1}}, NamedStyle: -1}

// TestSettings: what was set is there and nothing else has changed; settings after settings
// are as their sum; the difference of two formats leads from one to the other; what did not change is shared.
func TestSettings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, u := xftest.Settings.Draw(t, "first"), xftest.Settings.Draw(t, "second")
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		x, _ := Apply(normal, normal, s)
		y, changed := Apply(x, normal, u)
		lx, ly := Of(x), Of(y)
		if changed != (lx != ly) {
			t.Fatalf("it says that it changed: %v", changed)
		}
		if back, _ := Apply(x, normal, Difference(&lx, &ly)); Of(back) != ly {
			t.Fatalf("the difference\n%v\ngives\n%q\nand not\n%q", Difference(&lx, &ly), Of(back), ly)
		}
		touched := map[Leaf]bool{}
		for _, one := range u.Sorted() {
			touched[one.Leaf] = true
			if branch(one.Leaf) == "font" { // of which the name takes others along
				touched[FontScheme], touched[FontFamily], touched[FontCharset] = true, true, true
			}
			if branch(one.Leaf) == "fill" {
				touched[FillPattern], touched[FillForeground], touched[FillBackground], touched[FillGradient] = true, true, true, true
			}
			if one.Leaf >= BorderLeft && one.Leaf <= BorderHorizontal && (one.Leaf-BorderLeft)%2 == 0 {
				touched[one.Leaf+1] = true
			}
			if want := one.Value; branch(one.Leaf) != "fill" && !one.Reset && ly[one.Leaf] != want && !(want != "" && ly[one.Leaf] == "" && one.Leaf >= BorderLeft && one.Leaf <= BorderHorizontalColor) {
				t.Fatalf("%v is %q and not %q", one.Leaf, ly[one.Leaf], want)
			}
		}
		for i := range ly {
			if ly[i] != lx[i] && !touched[Leaf(i)] {
				t.Fatalf("%v became %q, and was %q", Leaf(i), ly[i], lx[i])
			}
		}
		for _, p := range [][2]any{{x.Font, y.Font}, {x.Fill, y.Fill}, {x.Border, y.Border}, {x.Alignment, y.Alignment}} {
			if a, b := reflect.ValueOf(p[0]), reflect.ValueOf(p[1]); reflect.DeepEqual(p[0], p[1]) && a.Pointer() != b.Pointer() {
				t.Fatalf("a part that is the same was copied: %v", p[0])
			}
		}
	})
}

func branch(l Leaf) string {
	for i, r := range l.String() {
		if r == '.' {
			return l.String()[:i]
		}
	}
	return l.String()
}

// TestCheck: what each leaf takes, and in which form it is kept.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		leaf     Leaf
		in, want string // "!" is an error
	}{
		{FontBold, "true", "1"}, {FontBold, "FALSE", ""}, {FontBold, "yes", "!"},
		{ProtectLocked, "false", "0"}, {ProtectLocked, "", "0"},
		{FontSize, "11", "11"}, {FontSize, "10.52", "10.5"}, {FontSize, "0.5", "!"}, {FontSize, "NaN", "!"}, {FontSize, "500", "!"},
		{FontColor, "#f00", "FFFF0000"}, {FontColor, "4472c4", "FF4472C4"}, {FontColor, "804472C4", "804472C4"}, {FontColor, "red", "!"},
		{FontColor, "theme:4", "theme:4"}, {FontColor, "theme:4:0.40", "theme:4:0.4"}, {FontColor, "theme:12", "!"}, {FontColor, "theme:1:2", "!"}, {FontColor, "theme:1:NaN", "!"}, {FontColor, "indexed:65", "indexed:65"}, {FontColor, "indexed:66", "!"}, {FontColor, "auto", "auto"}, {FontColor, "+1234567", "!"},
		{FontUnderline, "none", ""}, {FontUnderline, "Double", "double"}, {FontUnderline, "wavy", "!"},
		{FillPattern, "none", ""}, {AlignHorizontal, "general", ""}, {AlignVertical, "Bottom", ""}, {FillPattern, "SOLID", "solid"},
		{FillGradient, "linear 45 0 0 0 0 0=#000 1=#fff", "linear 45 0 0 0 0 0=FF000000 1=FFFFFFFF"}, {FillGradient, "linear 45", "!"},
		{BorderTop, "thin", "thin"}, {BorderTop, "thinnish", "!"}, {BorderTop, "none", ""},
		{AlignRotation, "255", "255"}, {AlignRotation, "200", "!"}, {AlignRotation, "-45", "!"}, {AlignHorizontal, "Center", "center"},
		{NumberFormat, "", "General"}, {NumberFormat, "0.00", "0.00"},
		{FontName, "", ""}, {FontSize, "", ""}, {FontName, "Aptos\n", "!"},
		{NLeaves, "", "!"},
	} {
		got, err := Check(c.leaf, c.in)
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%v of %q is kept as %q, not %q", c.leaf, c.in, got, c.want)
		}
	}
	for i := range NLeaves {
		if l, ok := Named(i.String()); !ok || l != i {
			t.Errorf("%v is found as %v", i, l)
		}
	}
	if n := len(Under("borders.left")); n != 2 {
		t.Errorf("borders.left has %d leaves", n)
	}
	if n := len(Under("font")); n != 11 {
		t.Errorf("font has %d leaves", n)
	}
}

// TestConsequences: what follows from settings, and what does not.
func TestConsequences(t *testing.T) {
	set := func(list ...string) (s Settings) { // leaf, value
		for i := 0; i < len(list); i += 2 {
			l, ok := Named(list[i])
			if !ok {
				t.Fatalf("there is no leaf %q", list[i])
			}
			s = append(s, Setting{Leaf: l, Value: list[i+1]})
		}
		return s
	}
	reset := func(list ...Leaf) (s Settings) {
		for _, l := range list {
			s = append(s, Setting{Leaf: l, Reset: true})
		}
		return s
	}
	const gradient = "linear 90 0 0 0 0 0=FF000000 1=FFFFFFFF"
	themed := set("font.scheme", "minor", "font.family", "2", "font.charset", "2")
	striped := set("fill.pattern_type", "gray125", "fill.foreground_color", "theme:4", "fill.background_color", "auto")
	for _, c := range []struct {
		name        string
		before, now Settings
		want        Settings // all that is other than before
	}{
		{"a font that is named is not the theme's", themed, set("font.name", "Arial"), set("font.name", "Arial", "font.scheme", "", "font.family", "", "font.charset", "")},
		{"what is said of it is as it is said", themed, set("font.name", "Arial", "font.family", "3"), set("font.name", "Arial", "font.scheme", "", "font.family", "3", "font.charset", "")},
		{"also where that is what it was", themed, set("font.name", "Arial", "font.charset", "2"), set("font.name", "Arial", "font.scheme", "", "font.family", "")},
		{"the default font is the theme's again", set("font.name", "Arial"), reset(FontName, FontScheme, FontFamily), set("font.name", "Calibri", "font.scheme", "minor", "font.family", "2")},
		{"a default name alone says nothing of the rest", set("font.name", "Arial", "font.family", "3"), reset(FontName), set("font.name", "Calibri")},
		{"a colour wants a pattern", nil, set("fill.foreground_color", "FFFF0000"), set("fill.pattern_type", "solid", "fill.foreground_color", "FFFF0000")},
		{"one that is there stays", striped, set("fill.foreground_color", "FFFF0000"), set("fill.foreground_color", "FFFF0000")},
		{"that behind a pattern wants none", nil, set("fill.background_color", "FFFF0000"), nil},
		{"nor where there is a gradient", set("fill.gradient", gradient), set("fill.background_color", "FFFF0000"), nil},
		{"no pattern has no colours", striped, set("fill.pattern_type", ""), set("fill.pattern_type", "", "fill.foreground_color", "", "fill.background_color", "")},
		{"a gradient has no pattern", striped, set("fill.gradient", gradient), set("fill.gradient", gradient, "fill.pattern_type", "", "fill.foreground_color", "", "fill.background_color", "")},
		{"nor a pattern a gradient", set("fill.gradient", gradient), set("fill.pattern_type", "solid"), set("fill.gradient", "", "fill.pattern_type", "solid")},
		{"nor a colour", set("fill.gradient", gradient), set("fill.foreground_color", "FFFF0000"), set("fill.gradient", "", "fill.pattern_type", "solid", "fill.foreground_color", "FFFF0000")},
		{"a line has the colour that is said beside it", nil, set("borders.top.style", "thin", "borders.top.color", "auto"), set("borders.top.style", "thin", "borders.top.color", "auto")},
		{"no line has no colour", set("borders.top.style", "thin", "borders.top.color", "auto"), set("borders.top.style", ""), set("borders.top.style", "", "borders.top.color", "")},
		{"nor gets one", nil, set("borders.top.color", "auto"), nil},
	} {
		x, _ := Apply(normal, normal, c.before)
		y, _ := Apply(x, normal, c.now)
		was, is := Of(x), Of(y)
		var got Settings
		for l := range NLeaves {
			if was[l] != is[l] {
				got = append(got, Setting{Leaf: l, Value: is[l]})
			}
		}
		if want := c.want.Sorted(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: it becomes\n%v, want\n%v", c.name, got, want)
		}
		if back, _ := Apply(x, normal, Difference(&was, &is)); Of(back) != is {
			t.Errorf("%s: by the difference %v it becomes\n%q", c.name, Difference(&was, &is), Of(back))
		}
	}
}

// TestSettingsOfSettings: of two settings of a leaf the later counts, also where they are brought together; and what is
// written in another form than the one in which it is kept is refused, whatever the leaf.
func TestSettingsOfSettings(t *testing.T) {
	bold, plain := Settings{{Leaf: FontBold, Value: Yes}}, Settings{{Leaf: FontBold}}
	for _, s := range []Settings{bold.Then(plain), append(bold, plain...).Sorted()} {
		if !reflect.DeepEqual(s, plain) {
			t.Errorf("bold and then not: %v", s)
		}
	}
	for _, s := range []Settings{{{Leaf: FontBold, Value: "true"}}, {{Leaf: FontColor, Value: "#F00"}}, {{Leaf: NLeaves, Value: ""}}, {{Leaf: NLeaves, Reset: true}}} {
		if s.Check() == nil {
			t.Errorf("%v is taken as it is", s)
		}
	}
}

// TestParts: what a format is made of, beside its leaves.
func TestParts(t *testing.T) {
	const gradient = "path 0 0.1 0.2 0.3 0.4 0=FF000000 1=auto"
	x, _ := Apply(normal, normal, Settings{{Leaf: FontColor, Value: "auto"}, {Leaf: FillGradient, Value: gradient}})
	if c := x.Font.Color; !c.Auto || c.Theme != -1 || c.Indexed != -1 {
		t.Errorf("the automatic colour is %+v", *c)
	}
	if f := x.Fill; f.GradientLeft != 0.1 || f.GradientRight != 0.2 || f.GradientTop != 0.3 || f.GradientBottom != 0.4 {
		t.Errorf("%s is %+v", gradient, *f)
	}
	x, _ = Apply(x, normal, Settings{{Leaf: FillGradient}})
	if x.Fill.Pattern != "none" {
		t.Errorf("no fill is %q", x.Fill.Pattern) // a file says so, or nothing at all
	}
}
