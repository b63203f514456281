package fn

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// stopEvery is how many elements a function may go over between two questions whether the
// calculation is to end: some milliseconds of work.
const stopEvery = 1 << 12

// TestStops: a function that is given a large array asks often enough whether the calculation
// is to end, and when it is told so it ends soon: it asks only so often again. Counts, not
// times, are looked at: what a function does between two questions is bounded by the elements.
func TestStops(t *testing.T) {
	const n = 1 << 13
	column := func(value func(i int) cell.Value) Value {
		a := NewArray(n, 1)
		for i := range a.Cells {
			a.Cells[i] = value(i)
		}
		return Of(a)
	}
	// Every call has arrays of its own: none may change its arguments, but a test should not
	// depend on it.
	kinds := map[string]Value{
		"numbers": column(func(i int) cell.Value { return cell.NumberValue(float64(i*7919%n + 1)) }),
		"texts":   column(func(i int) cell.Value { return cell.TextValue(fmt.Sprint("t", i*7919%n)) }),
		"halves":  column(func(i int) cell.Value { return cell.NumberValue(float64(i*7919%n+1) / (2 * n)) }),
	}
	one := map[string][]Value{"numbers": {Num(1)}, "texts": {Scalar(cell.TextValue("t5"))}, "halves": {Num(0.25)}}
	// These, or these arguments of theirs, look at the size of an array, give it back as it is or a single row of it, or stop
	// at the first element, because they look for it or do not like it.
	few := map[string]bool{}
	for name := range strings.FieldsSeq(once) {
		few[name] = true
	}
	checked := 0
	for _, f := range All() {
		if f.Special() {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			for kind, large := range kinds {
				for _, single := range one[kind] {
					for given := max(f.params.Min, 1); given <= min(f.params.Max, f.params.Min+2); given++ {
						for at := range given {
							args := func() []Value {
								list := make([]Value, given)
								for i := range list {
									switch shape := f.params.Shape(i); {
									case shape == ShapeFunc:
										list[i] = Func(&Lambda{Params: 1})
									case i == at || !shape.single() && at == 0:
										list[i] = large
									default:
										list[i] = single
									}
								}
								return list
							}
							polls, limit := 0, 1<<62
							c := gridBook{}.context()
							c.Rand = rand.New(rand.NewPCG(1, 2))
							c.Invoke = func(_ *Context, l *Lambda, args []Value) Value { return args[0] }
							c.Stopped = func() bool { polls++; return polls > limit }
							if limit = 64; !f.whole(given) {
								continue
							}
							v := Apply(c, f, args())
							if v.Array() == nil && v.Scalar().Kind() == cell.Error && polls == 0 {
								continue // it was refused
							}
							checked++
							if polls < n/stopEvery-1 && !few[f.Name] && !few[fmt.Sprint(f.Name, "/", at+1)] {
								t.Fatalf("%s, argument %d of %d is large: it asks %d times for %d elements", kind, at+1, given, polls, n)
							}
							// Stopped at some time it ends.
							all := min(polls, limit)
							if all == 0 {
								continue
							}
							limit, polls = rand.N(all), 0
							Apply(c, f, args())
							if after := polls - limit; after > 64 {
								t.Fatalf("%s, argument %d of %d is large: stopped at question %d of %d, it asks %d times more", kind, at+1, given, limit, all, after)
							}
						}
					}
				}
			}
		})
	}
	if checked < 300 {
		t.Errorf("only %d calls were looked at", checked)
	}
}

const once = `COLUMNS ROWS ISREF TYPE N T INDEX TAKE TOCOL TOROW FILTER/3 SORTBY/3 WRAPCOLS/3 WRAPROWS/3 XLOOKUP/4 XMATCH/2`

// The least common multiple of many numbers is past all numbers, which once took for ever.
func TestLCMOfMany(t *testing.T) {
	f := Find("LCM")
	a := NewArray(400, 1)
	for i := range a.Cells {
		a.Cells[i] = cell.NumberValue(float64(1<<40 + 2*i + 1))
	}
	c := gridBook{}.context()
	if v := Apply(c, f, []Value{Of(a)}); v.Err() != cell.ErrNum {
		t.Errorf("%v", v)
	}
	a.Cells[399] = cell.NumberValue(0)
	if v := Apply(c, f, []Value{Of(a)}); v.Scalar() != cell.NumberValue(0) {
		t.Errorf("with a 0: %v", v)
	}
}

// TestRoom: the large arrays of one evaluation are bounded together, small ones are not.
func TestRoom(t *testing.T) {
	c := gridBook{}.context()
	for range 4 {
		if !c.Room(1<<20, 16) {
			t.Fatal("an array within the bound has no room")
		}
	}
	if c.Room(1<<16, 1) {
		t.Error("beyond the bound of an evaluation there is room for a large array")
	}
	for range 10_000 {
		if !c.Room(1<<10, 63) {
			t.Fatal("there is no room for a small array")
		}
	}
	if c.Begin(); !c.Room(1<<16, 1) {
		t.Error("the next evaluation has no room")
	}
	if c.Room(1<<20, 17) || c.Room(0, 1) {
		t.Error("there is room for too large an array")
	}
	if c.Stopped = func() bool { return true }; c.Room(1<<16, 1) {
		t.Error("a calculation that is to end makes a large array")
	}
}

// TestRegexStops: a regular expression that goes back and forth without end asks whether the calculation is
// to end as often as its steps say, on any machine, and is given up after as many of them.
func TestRegexStops(t *testing.T) {
	text, pattern := Text(strings.Repeat("a", 2000)+"b"), Text("(a|aa)+$")
	for name, args := range map[string][]Value{
		"REGEXTEST": {text, pattern}, "REGEXEXTRACT": {text, pattern}, "REGEXREPLACE": {text, pattern, Text("")},
	} {
		polls, limit := 0, 1<<62
		c := gridBook{}.context()
		c.Stopped = func() bool { polls++; return polls > limit }
		run := func() int {
			polls = 0
			if v := Apply(c, Find(name), append([]Value(nil), args...)); v.Err() != cell.ErrValue {
				t.Errorf("%s gives %v", name, v.Scalar())
			}
			return polls
		}
		if name == "REGEXTEST" {
			if all := run(); all < 1000 || run() != all {
				t.Errorf("%s asks %d times, and then another number of times", name, all)
			}
		}
		if limit = 7; run() != 8 {
			t.Errorf("%s, told to stop at question 8, asks %d times", name, polls)
		}
	}
}

// An array whose texts would take more memory than an evaluation may have for them is an error.
func TestTextsOfArraysAreBounded(t *testing.T) {
	c := gridBook{}.context()
	c.Arrays = true
	repeated := func() Value {
		return Apply(c, Find("REPT"), []Value{Text("x"), Of(Column([]cell.Value{cell.NumberValue(300), cell.NumberValue(300)}))})
	}
	if c.written = EvaluationTexts - 600; repeated().Array() == nil {
		t.Error("there is room for both texts, and no array")
	}
	if c.written = EvaluationTexts - 599; repeated().Err() != cell.ErrNum {
		t.Error("there is no room for the second text, and no #NUM!")
	}
	if c.Begin(); repeated().Array() == nil {
		t.Error("the next evaluation has no room")
	}
}
