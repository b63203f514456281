package graph

import (
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

func drawInterval(t *rapid.T, name string) interval {
	a, b := rapid.Int32Range(0, 12).Draw(t, name), rapid.Int32Range(0, 12).Draw(t, name)
	return interval{min(a, b), max(a, b)}
}

// TestAxis holds the arithmetic of reads to looking at each position.
func TestAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		absA, absB := rapid.Bool().Draw(t, "absA"), rapid.Bool().Draw(t, "absB")
		end := func(abs bool) int32 {
			if abs {
				return rapid.Int32Range(0, 12).Draw(t, "at")
			}
			return rapid.Int32Range(-5, 5).Draw(t, "offset")
		}
		a, b := end(absA), end(absB)
		x := newAxis(a, b, absA, absB)
		from := func(p int32) interval {
			lo, hi := a, b
			if !absA {
				lo += p
			}
			if !absB {
				hi += p
			}
			return interval{min(lo, hi), max(lo, hi)}
		}
		v, u := drawInterval(t, "v"), drawInterval(t, "u")
		image := from(v.lo)
		inverse := interval{1, 0}
		var rel relation
		for p := v.lo; p <= v.hi; p++ {
			r := from(p)
			if got := x.image(interval{p, p}); got != r {
				t.Fatalf("%+v from %d: %v, want %v", x, p, got, r)
			}
			image = image.hull(r)
			if !r.meets(u) {
				continue
			}
			if inverse.empty() {
				inverse = interval{p, p}
			} else if inverse.hi++; inverse.hi != p {
				t.Fatalf("the positions from which %+v reads %v do not follow one another", x, u)
			}
			for q := max(r.lo, u.lo); q <= min(r.hi, u.hi); q++ {
				switch {
				case q < p:
					rel |= before
				case q > p:
					rel |= after
				default:
					rel |= same
				}
			}
		}
		if got := x.image(v); got != image {
			t.Errorf("image of %v by %+v: %v, want %v", v, x, got, image)
		}
		if got := x.inverse(v, u); got != inverse && !(got.empty() && inverse.empty()) {
			t.Errorf("inverse of %v in %v by %+v: %v, want %v", u, v, x, got, inverse)
		}
		if got := x.relation(v, u); got != rel {
			t.Errorf("relation of %v to %v by %+v: %b, want %b", v, u, x, got, rel)
		}
	})
}

func TestReadOf(t *testing.T) {
	at := cell.Ref{Row: 4, Col: 4}
	for _, c := range []struct{ text, want string }{
		{"C3", "C3"}, {"$A$1:C3", "A1:C3"}, {"B:D", "B:D"}, {"$B:$B", "B:B"}, {"3:$5", "3:5"}, {"F9:A$1", "A1:F9"},
	} {
		b, err := formula.AppendRelative(nil, c.text, at)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := formula.ParseMode(string(b), formula.Mode{Style: formula.R1C1})
		if err != nil {
			t.Fatal(err)
		}
		for ref := range formula.References(tree.Root) {
			r, ok := ReadOf(3, ref)
			x := newRead(r)
			if got := x.image(boxAt(at)).Range().String(); !ok || x.sheet != 3 || got != c.want {
				t.Errorf("%s: reads %s of sheet %d (%v), want %s", c.text, got, x.sheet, ok, c.want)
			}
		}
	}
	if _, ok := ReadOf(0, formula.Reference{Kind: formula.NameRef, Name: "x"}); ok {
		t.Error("a name is a read")
	}
	a := Area{2, cell.Range{First: cell.Ref{Row: 1, Col: 2}, Last: cell.Ref{Row: 3, Col: 4}}}
	if x := newRead(ReadArea(a)); x.image(boxAt(at)).Range() != a.Range || x.sheet != 2 {
		t.Errorf("read of %v: %+v", a, x)
	}
}
