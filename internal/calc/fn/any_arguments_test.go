package fn

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// Whatever a function of the categories of texts, information, lookups, arrays and the web
// is given, it gives a value that a formula can have, and does not panic.
func TestAnyArguments(t *testing.T) {
	var functions []*Function
	for _, f := range All() {
		switch f.Category {
		case TextFunctions, Information, Lookup, Logical, Web, Cube:
			if !f.Special() {
				functions = append(functions, f)
			}
		}
	}
	if len(functions) < 100 {
		t.Fatal("only", len(functions), "functions")
	}
	book := gridBook{}
	for i, v := range []cell.Value{
		cell.NumberValue(3), cell.TextValue("b"), cell.BoolValue(true), cell.ErrorValue(cell.ErrNA), {}, cell.NumberValue(-1.5),
		cell.TextValue(""), cell.TextValue("3"), cell.NumberValue(1e300), cell.TextValue("a*"), cell.NumberValue(2),
	} {
		book[cell.Ref{Row: i % 4, Col: i / 4}] = v
	}
	for _, f := range functions {
		t.Run(f.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := book.context()
				c.Arrays = rapid.Bool().Draw(t, "arrays")
				c.Rand = rand.New(rand.NewPCG(1, 2))
				c.Invoke = func(_ *Context, l *Lambda, args []Value) Value {
					if l.Params == 1 {
						return args[0]
					}
					return Num(1)
				}
				// A function that would calculate for ever is stopped, as the evaluator does it.
				asked := 0
				c.Stopped = func() bool { asked++; return asked > 1_000_000 }
				n := rapid.IntRange(f.params.Min, min(f.params.Max, f.params.Min+4)).Draw(t, "n")
				args := make([]Value, n)
				for i := range args {
					args[i] = anyValue(f.params.Shape(i)).Draw(t, "argument")
				}
				legal(t, Apply(c, f, args))
			})
		})
	}
}

// anyValue gives arguments that a formula could give, a bit more often of the shape that
// is asked for.
func anyValue(shape Shape) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		if shape == ShapeFunc && rapid.IntRange(0, 4).Draw(t, "fits") > 0 {
			n := rapid.IntRange(1, 3).Draw(t, "params")
			return Func(&Lambda{Params: n, Optional: rapid.IntRange(0, n).Draw(t, "optional")})
		}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return Omitted
		case 1:
			return Func(&Lambda{Params: 2})
		case 2, 3:
			rows, cols := rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 4).Draw(t, "cols")
			a := NewArray(rows, cols)
			for i := range a.Cells {
				a.Cells[i] = anyScalar().Draw(t, "element")
			}
			return Of(a)
		case 4, 5:
			areas := []Area{anyArea().Draw(t, "area")}
			if rapid.IntRange(0, 4).Draw(t, "union") == 0 {
				areas = append(areas, anyArea().Draw(t, "area"))
			}
			return To(&Ref{Areas: areas})
		}
		return Scalar(anyScalar().Draw(t, "value"))
	})
}

func anyArea() *rapid.Generator[Area] {
	return rapid.Custom(func(t *rapid.T) Area {
		corner := func() cell.Ref {
			return cell.Ref{Row: rapid.IntRange(0, 5).Draw(t, "row"), Col: rapid.IntRange(0, 4).Draw(t, "col")}
		}
		r := cell.RangeOf(corner(), corner())
		switch rapid.IntRange(0, 6).Draw(t, "whole") {
		case 0:
			r.First.Row, r.Last.Row = 0, cell.MaxRows-1
		case 1:
			r.First.Col, r.Last.Col = 0, cell.MaxCols-1
		}
		return Area{Range: r}
	})
}

func anyScalar() *rapid.Generator[cell.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]float64{0, 1, 2, 3, -1, -2, 0.5, 1.5, 4, 12, 32767, 65536, 1048576, 1 << 31, 1e9, -1e9, 1e15, 1e300, -1e300,
			math.MaxFloat64, math.SmallestNonzeroFloat64, 45000}), cell.NumberValue),
		rapid.Map(rapid.Float64().Filter(func(f float64) bool { return f-f == 0 }), cell.NumberValue),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "b", "A", "3", "-2", "TRUE", "1/2/2020", "a*", "?", "~", "a,b;c", ",", ";", "yyyy-mm-dd", "0.00", "#,##0",
			"A1", "R1C1", "(a|b)+", "(a+)+$", "[", "\\", "$1", "<a><b>1</b><b>x</b></a>", "//b", "//b[", "//*[.//*]", "ｶﾞ", "é", "😀x", "中", "address", "format",
			"\x00", "\xff", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "nan", "Inf", "1e999"}), cell.TextValue),
		rapid.Map(rapid.String(), cell.TextValue),
		rapid.Map(rapid.Bool(), cell.BoolValue),
		rapid.Just(cell.Value{}),
		rapid.Map(rapid.SampledFrom([]cell.ErrorCode{cell.ErrNA, cell.ErrDiv0, cell.ErrCalc}), cell.ErrorValue),
	)
}

// legal checks that a formula can have v as its value.
func legal(t interface{ Fatalf(string, ...any) }, v Value) {
	one := func(x cell.Value) {
		switch x.Kind() {
		case cell.Number:
			if f := x.Number(); f-f != 0 {
				t.Fatalf("a number that no cell can hold: %v", f)
			}
		case cell.Text:
			if unitsOf(x.Text()) > maxText {
				t.Fatalf("a text of %d characters", unitsOf(x.Text()))
			}
		case cell.Error:
			if x.Err() == 0 || x.Err() > cell.ErrCirc {
				t.Fatalf("error code %d", x.Err())
			}
		}
	}
	switch {
	case v.IsOmitted():
		t.Fatalf("an omitted argument is no result")
	case v.Array() != nil:
		a := v.Array()
		if a.Rows < 1 || a.Cols < 1 || len(a.Cells) != a.Rows*a.Cols || len(a.Cells) > MaxElements {
			t.Fatalf("an array of %d × %d with %d elements", a.Rows, a.Cols, len(a.Cells))
		}
		for _, x := range a.Cells {
			one(x)
		}
	case v.Ref() != nil:
		if len(v.Ref().Areas) == 0 {
			t.Fatalf("a reference without an area")
		}
		for _, a := range v.Ref().Areas {
			if r := a.Range; !r.First.Valid() || !r.Last.Valid() || r.First.Row > r.Last.Row || r.First.Col > r.Last.Col {
				t.Fatalf("a reference to %v", r)
			}
		}
	case v.Lambda() == nil:
		one(v.Scalar())
	}
}
