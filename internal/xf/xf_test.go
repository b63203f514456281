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
		{FontColor, "theme:4", "theme:4"}, {FontColor, "theme:4:0.40", "theme:4:0.4"}, {FontColor, "theme:12", "!"}, {FontColor, "theme:1:2", "!"}, {FontColor, "auto", "auto"}, {FontColor, "+1234567", "!"},
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
