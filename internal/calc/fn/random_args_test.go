package fn

import (
	"math"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"

	"pgregory.net/rapid"
)

// oddNumbers are numbers at which functions like to break.
var oddNumbers = []float64{
	0, 1, -1, 0.5, 2, 3, 10, 60, 255, 1e-300, -1e-300, 1e15, 1 << 53, -(1 << 53), 1e300, -1e300, math.MaxFloat64,
	math.SmallestNonzeroFloat64, 45000.75, 2958465, 2958466, 1e9, -1e9, 134217727, 709.8, 1 << 48, 20, 4999,
}

var oddTexts = []string{
	"", " ", "x", "12", "-3.5", "1e308", "TRUE", "1/2/2020", "3+4i", "-j", "1E5i", "i", "FFFF", "m", "kg", "F", "C",
	"0000011", "1111111", "<5", "<>", "*", "~", ">=x", "9999:59", "Jan 2", "Y", "MD", "XIV", "\x00", "日本", "1e", "ij",
}

// drawValue draws a single value of any kind.
func drawValue(t *rapid.T) cell.Value {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1, 2:
		return cell.NumberValue(rapid.SampledFrom(oddNumbers).Draw(t, "number"))
	case 3:
		f := rapid.Float64Range(-1e6, 1e6).Draw(t, "number")
		return cell.NumberValue(f)
	case 4:
		return cell.NumberValue(float64(rapid.IntRange(-5, 50).Draw(t, "number")))
	case 5, 6:
		return cell.TextValue(rapid.SampledFrom(oddTexts).Draw(t, "text"))
	case 7:
		return cell.BoolValue(rapid.Bool().Draw(t, "bool"))
	case 8:
		return cell.ErrorValue(rapid.SampledFrom([]cell.ErrorCode{cell.ErrNA, cell.ErrDiv0, cell.ErrRef}).Draw(t, "error"))
	}
	return cell.Value{}
}

// drawArgument draws what may stand in the place of an argument.
func drawArgument(t *rapid.T) Value {
	switch rapid.IntRange(0, 7).Draw(t, "argument") {
	case 0:
		return Omitted
	case 1:
		a := NewArray(rapid.IntRange(1, 3).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "cols"))
		for i := range a.Cells {
			a.Cells[i] = drawValue(t)
		}
		return Of(a)
	case 2:
		from := cell.Ref{Row: rapid.IntRange(0, 8).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}
		to := cell.Ref{Row: from.Row + rapid.IntRange(0, 8).Draw(t, "rows"), Col: from.Col + rapid.IntRange(0, 2).Draw(t, "cols")}
		r := Cells(Area{Range: cell.Range{First: from, Last: to}})
		switch rapid.IntRange(0, 9).Draw(t, "reference") {
		case 0:
			r.Areas[0].Range = cell.Range{First: cell.Ref{Col: from.Col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: from.Col}}
		case 1:
			r.Areas = append(r.Areas, r.Areas[0])
		case 2:
			r.Areas[0].Sheet = 7 // which does not exist
		case 3:
			r.Areas = append(r.Areas, Area{Range: cell.Range{}})
			r.Across = true
		}
		return To(r)
	}
	return Scalar(drawValue(t))
}

// Whatever the arguments are, a function gives a value that a cell can hold.
func TestAnyNumbers(t *testing.T) {
	for _, f := range All() {
		switch f.Category {
		case Math, Date, Engineering, Financial, Statistical, Compatibility, Database:
		default:
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				book := gridBook{}
				for range rapid.IntRange(0, 12).Draw(t, "cells") {
					at := cell.Ref{Row: rapid.IntRange(0, 9).Draw(t, "row"), Col: rapid.IntRange(0, 4).Draw(t, "col")}
					book[at] = drawValue(t)
				}
				c := book.context()
				c.Arrays = rapid.Bool().Draw(t, "arrays")
				if rapid.Bool().Draw(t, "1904") {
					c.Dates = numfmt.Date1904
				}
				p := f.Takes()
				args := make([]Value, rapid.IntRange(p.Min, min(p.Max, p.Min+4)).Draw(t, "args"))
				for i := range args {
					args[i] = drawArgument(t)
				}
				asked := 0
				c.Stopped = func() bool { asked++; return asked > 1_000_000 }
				legal(t, Apply(c, f, args))
			})
		})
	}
}

// Workdays that are counted one by one are those that are jumped over.
func TestWorkdaysOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := gridBook{}.context()
		start := rapid.IntRange(500, 1000).Draw(t, "start")
		n := rapid.IntRange(-60, 60).Draw(t, "days")
		var w weekend
		for i := range w {
			w[i] = rapid.Bool().Draw(t, "off")
		}
		if w.days() == 0 {
			w[3] = false
		}
		off := map[int]bool{}
		holidays := NewArray(1, 6)
		for i := range holidays.Cells {
			day := rapid.IntRange(450, 1050).Draw(t, "holiday")
			off[day] = true
			holidays.Cells[i] = cell.NumberValue(float64(day))
		}
		works := func(day int) bool { return !w[c.weekdayOf(day)] && !off[day] }
		want, step := start, 1
		if n < 0 {
			step = -1
		}
		for left := n; left != 0; {
			if want += step; works(want) {
				left -= step
			}
		}
		if got := c.workday(Args{Num(float64(start)), Num(float64(n)), Of(holidays)}, 2, w); got != Num(float64(want)) {
			t.Fatalf("%d workdays from %d on: %v, want %d", n, start, got.Number(), want)
		}
		count := 0
		for day := min(start, want); day <= max(start, want); day++ {
			if works(day) {
				count += step
			}
		}
		if got := c.networkDays(Args{Num(float64(start)), Num(float64(want)), Of(holidays)}, 2, w); start != want && got != Num(float64(count)) {
			t.Fatalf("%v workdays from %d to %d, want %d", got.Number(), start, want, count)
		}
	})
}

// Every day of the calendar is the day that its date makes.
func TestDatesThereAndBack(t *testing.T) {
	for _, dates := range []numfmt.DateSystem{numfmt.Date1900, numfmt.Date1904} {
		c := gridBook{}.context()
		c.Dates = dates
		for day := 0; day <= c.lastDay(); day += 1 + day/200 {
			y, m, d := c.civil(day)
			if got := Apply(c, Find("DATE"), []Value{Num(float64(y)), Num(float64(m)), Num(float64(d))}); got != Num(float64(day)) {
				t.Fatalf("%v: DATE(%d,%d,%d) = %v, want %d", dates, y, m, d, got.Number(), day)
			}
		}
	}
}

// Complex numbers that are written are read again.
func TestComplexThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string) float64 {
			return Num(Round15(rapid.Float64Range(-1e20, 1e20).Draw(t, name))).Number()
		}
		z := complex(part("re"), part("im"))
		s := complexText(z, 'j').Str()
		if got, _, ok := parseComplex(s); !ok || got != z {
			t.Fatalf("%v is written %q and read %v, %v", z, s, got, ok)
		}
	})
}
