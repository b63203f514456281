package whatif

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gridflow/internal/cell"
)

// Goal is what a cell should become, and which cell may change for it.
type Goal struct {
	Sheet      int // of the cell that is to become Value
	Ref        cell.Ref
	Value      float64
	InputSheet int // of the cell that changes
	Input      cell.Ref
	Start      float64
	Min, Max   float64 // where the input must lie; -Inf and +Inf: anywhere
	Tolerance  float64 // how far from Value the cell may end
	Trials     int     // most that are made
}

// Found is what a search came to.
type Found struct {
	Input    float64 // the best that was found
	Value    float64 // of the cell, with it
	Trials   int
	Reached  bool
	Brackets bool   // there were inputs on both sides of the goal
	Why      string // where it was not reached: what stood in the way
}

// Seek looks for an input with which a cell becomes what it should. It goes from Start in steps that
// grow until the goal lies between two of them, and then closes in by Brent's method (R. P. Brent,
// Algorithms for Minimization without Derivatives, 1973, chapter 4), which needs no derivative and never leaves
// the interval. An input whose result is no number counts as a step too far. Where the steps miss the goal and the input has
// bounds on both sides, what trials are left look at inputs all over between these.
//
// It may be called by any number of goroutines at once. An error is that of a trial; not to reach the goal is none.
func (m *Model) Seek(ctx context.Context, g Goal) (Found, error) {
	try, err := m.trier(ctx, Cell{g.InputSheet, g.Input}, cell.NumberValue(g.Start), Cell{g.Sheet, g.Ref})
	if err != nil {
		return Found{}, err
	}
	s := &seeker{try: try, g: g}
	s.found.Input, s.best = g.Start, math.Inf(1)
	err = s.run()
	return s.found, err
}

type seeker struct {
	try   func(cell.Value) (cell.Value, error)
	g     Goal
	best  float64 // the least distance so far
	found Found
	last  cell.Value // of the goal's cell, when it was no number
	tried float64    // the last input
	first float64    // how far the cell was from the goal at first
	moved bool       // it was elsewhere since
}

// at gives how far the cell is from the goal with an input; ok is false where it is no number.
func (s *seeker) at(x float64) (d float64, ok bool, err error) {
	s.found.Trials++
	s.tried = x
	v, err := s.try(cell.NumberValue(x))
	if err != nil {
		return 0, false, err
	}
	switch v.Kind() {
	case cell.Number, cell.Bool:
	case cell.Blank:
	default:
		s.last = v
		return 0, false, nil
	}
	n := 0.0
	if v.Kind() != cell.Blank {
		n = v.Number()
	}
	d = n - s.g.Value
	if s.found.Trials == 1 {
		s.first = d
	}
	s.moved = s.moved || d != s.first
	if math.Abs(d) < s.best {
		s.best, s.found.Input, s.found.Value = math.Abs(d), x, n
	}
	if math.Abs(d) <= s.g.Tolerance {
		s.found.Reached = true
	}
	return d, true, nil
}

func (s *seeker) left() bool { return s.found.Trials < s.g.Trials && !s.found.Reached }

func (s *seeker) run() error {
	x0 := min(max(s.g.Start, s.g.Min), s.g.Max)
	f0, ok, err := s.at(x0)
	switch {
	case err != nil || s.found.Reached:
		return err
	case !ok:
		s.found.Why = fmt.Sprintf("with the input %v the cell is %v, which is no number", x0, s.last)
		return nil
	}
	a, b, fa, fb, ok, err := s.bracket(x0, f0)
	if err == nil && ok && !s.found.Reached {
		err = s.brent(a, b, fa, fb)
	}
	if err == nil && s.left() {
		err = s.everywhere()
	}
	if err != nil || s.found.Reached {
		return err
	}
	switch {
	case !s.moved:
		s.found.Why = "the cell was the same with every input that was tried: it may not depend on this one"
	case s.found.Brackets:
		s.found.Why = "the cell jumps over the goal near this input, or the trials were used up"
	case s.found.Trials >= s.g.Trials:
		s.found.Why = "the trials were used up before the goal lay between two of them"
	default:
		s.found.Why = "no input that was tried reaches the goal or lies beyond it; min and max say where more are tried"
	}
	return nil
}

// everywhere looks for the goal between the bounds, where the input has both: first in the middle of them, then in the
// middles of what that divides, and so on, and closes in wherever the goal lies between two neighbours.
func (s *seeker) everywhere() error {
	width := s.g.Max - s.g.Min
	if math.IsInf(width, 0) || width == 0 {
		return nil
	}
	type point struct {
		x, f float64
		ok   bool // f is a number
	}
	look := func(x float64) (p point, err error) {
		p.x = x
		if !s.left() {
			return p, nil
		}
		p.f, p.ok, err = s.at(x)
		return p, err
	}
	low, err := look(s.g.Min)
	if err != nil {
		return err
	}
	high, err := look(s.g.Max)
	if err != nil {
		return err
	}
	var jumps []float64 // where the cell was found to jump over the goal
	for points := []point{low, high}; s.left() && len(points) <= s.g.Trials; {
		finer := points[:1:1]
		for i := 1; i < len(points) && s.left(); i++ {
			p, err := look((points[i-1].x + points[i].x) / 2)
			if err != nil {
				return err
			}
			finer = append(finer, p, points[i])
			for k := len(finer) - 2; k < len(finer) && s.left(); k++ {
				a, b := finer[k-1], finer[k]
				if !a.ok || !b.ok || (a.f < 0) == (b.f < 0) || slices.ContainsFunc(jumps, func(x float64) bool { return a.x <= x && x <= b.x }) {
					continue
				}
				if err := s.brent(a.x, b.x, a.f, b.f); err != nil {
					return err
				}
				jumps = append(jumps, s.tried)
			}
		}
		points = finer
	}
	return nil
}

// bracket steps away from x0 to both sides, twice as far each time, until the sign changes.
func (s *seeker) bracket(x0, f0 float64) (a, b, fa, fb float64, ok bool, err error) {
	step := max(math.Abs(x0)/100, 0.01)
	type side struct {
		x, f, step float64
		over       bool
	}
	sides := [2]*side{{x0, f0, step, false}, {x0, f0, -step, false}}
	for s.left() && (!sides[0].over || !sides[1].over) {
		for _, d := range sides {
			if d.over || !s.left() {
				continue
			}
			x := d.x + d.step
			if x = min(max(x, s.g.Min), s.g.Max); x == d.x || math.IsInf(x, 0) {
				d.over = true
				continue
			}
			f, number, err := s.at(x)
			switch {
			case err != nil:
				return 0, 0, 0, 0, false, err
			case !number: // too far: a smaller step from where it was
				if d.step /= 8; math.Abs(d.step) < 1e-12*max(1, math.Abs(d.x)) {
					d.over = true
				}
				continue
			case (f < 0) != (d.f < 0):
				return d.x, x, d.f, f, true, nil
			}
			d.x, d.f = x, f
			d.step *= 2
		}
	}
	return 0, 0, 0, 0, false, nil
}

// brent closes in on the goal between a and b.
func (s *seeker) brent(a, b, fa, fb float64) error {
	s.found.Brackets = true
	c, fc, d, e := a, fa, b-a, b-a
	for s.left() {
		if (fb < 0) == (fc < 0) {
			c, fc, d, e = a, fa, b-a, b-a
		}
		if math.Abs(fc) < math.Abs(fb) {
			a, b, c = b, c, b
			fa, fb, fc = fb, fc, fb
		}
		least := 2 * math.Nextafter(math.Abs(b), math.Inf(1)) * 1.2e-16
		half := (c - b) / 2
		if math.Abs(half) <= least || fb == 0 {
			return nil
		}
		if math.Abs(e) >= least && math.Abs(fa) > math.Abs(fb) {
			// Inverse quadratic interpolation where there are three points, the secant where there are two.
			var p, q float64
			t := fb / fa
			if a == c {
				p, q = 2*half*t, 1-t
			} else {
				u, v := fa/fc, fb/fc
				p, q = t*(2*half*u*(u-v)-(b-a)*(v-1)), (u-1)*(v-1)*(t-1)
			}
			if p > 0 {
				q = -q
			}
			p = math.Abs(p)
			if 2*p < min(3*half*q-math.Abs(least*q), math.Abs(e*q)) {
				e, d = d, p/q
			} else {
				d, e = half, half
			}
		} else {
			d, e = half, half
		}
		a, fa = b, fb
		if math.Abs(d) > least {
			b += d
		} else {
			b += math.Copysign(least, half)
		}
		f, ok, err := s.at(b)
		if err != nil {
			return err
		}
		if !ok { // a hole: go on with the half that ends at the sound side
			b, fb = a, fa
			d, e = half/2, half/2
			b += d
			if f, ok, err = s.at(b); err != nil || !ok {
				return err
			}
		}
		fb = f
	}
	return nil
}
