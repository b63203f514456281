package tools

import (
	"context"
	"math"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/until"
)

type fillSeriesIn struct {
	ForkArg
	Sheet string   `json:"sheet_name" required:"true"`
	Range string   `json:"range" required:"true" doc:"One row or column; its first cell holds where the series begins unless start is given"`
	Kind  string   `json:"kind" enum:"linear|growth|day|weekday|month|year|copy" default:"linear" doc:"growth multiplies by step; day … year are of dates"`
	Start *Scalars `json:"start" doc:"A number, or a date such as 2026-01-31"`
	Step  float64  `json:"step" default:"1"`
	Stop  *float64 `json:"stop" doc:"No value beyond it"`
	EditMode
	Guard
}

type fillSeriesOut struct {
	committed
	Filled int `json:"cells_filled"`
}

var fillSeries = define(Spec{
	Name: "fill_series", Title: "Fill a series", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Fills a row or column of a fork with a series: numbers by a step or a factor, dates by days, working days, months or years. A day that a month does not have becomes its last.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","range":"A2:A13","kind":"month","start":"2026-01-31"}`,
}, func(ctx context.Context, env *Env, in fillSeriesIn) (*fillSeriesOut, error) {
	out := &fillSeriesOut{}
	made, err := env.onRange(ctx, in.Fork, "fill_series", in.EditMode, in.Guard, in.Sheet, in.Range, func(b *batch, a area) error {
		switch {
		case a.rng.Rows() > 1 && a.rng.Cols() > 1:
			return invalid("Fill one row or column at a time", "%v is more than one row and column", a.rng)
		case a.rng.Cells() > filledMax:
			return fail(codeRangeInvalid, "", "%v has more than %d cells", a.rng, filledMax)
		case in.Kind == "growth" && in.Step == 0, in.Kind != "growth" && in.Kind != "copy" && in.Step == 0:
			return invalid("", "step is 0")
		}
		e := b.editor(a.sheet)
		first := book.CellEdit{Ref: a.rng.First}
		sheet, err := b.snap.Sheet(ctx, a.sheet)
		if err != nil {
			return err
		}
		if in.Start != nil {
			if len(*in.Start) != 1 {
				return invalid("", "start is more than one value")
			}
			s := (*in.Start)[0]
			e.guess = in.Kind != "copy" // a series begins with a number, also where a text says which
			if s.Kind != TextScalar || e.date(&first, s.Text) != nil {
				e.scalar(&first, s, false)
			}
		} else {
			c, _ := sheet.At(a.rng.First)
			first.Value = c.Value
		}
		if first.Value.Kind() != cell.Number && in.Kind != "copy" {
			if in.Start != nil {
				return fail("BAD_INPUT", "Examples: 100, 2026-01-31", "start is no number and no date")
			}
			return fail("BAD_INPUT", "Give start, or write a number or date into the first cell", "%v holds no number to begin with", a.rng.First)
		}
		series := seriesOf(in.Kind, first.Value, in.Step, b.snap.Workbook().Dates)
		out.Filled = 0
		i := 0
		if in.Stop == nil {
			e.expect(a.sheet, a.rng.Cells())
		}
		for ref := range until.Done(b.ctx, refsOf(a.rng)) {
			c := first
			c.Ref = ref
			var ok bool
			if c.Value, ok = series(i); !ok {
				return fail("BAD_INPUT", "Fill fewer cells, or take a smaller step", "cell %d of the series is no number that a cell can hold", i+1)
			}
			if in.Stop != nil && in.Kind != "copy" && (c.Value.Number()-*in.Stop)*math.Copysign(1, in.Step) > 0 && (in.Kind != "growth" || in.Step > 1) {
				break
			}
			if i > 0 || in.Start != nil {
				e.set(a.sheet, c)
			}
			out.Filled++
			i++
		}
		if in.Start == nil && in.Kind != "linear" && in.Kind != "growth" && in.Kind != "copy" {
			if err := b.likeFirst(e, a); err != nil {
				return err
			}
		}
		return b.end(e)
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = out.Filled
	return out, nil
})

// likeFirst gives the cells of a series the number format of its first one, so that dates look alike.
func (b *batch) likeFirst(e *editor, a area) error {
	sheet, err := b.snap.Sheet(b.ctx, a.sheet)
	if err != nil {
		return err
	}
	c, ok := sheet.At(a.rng.First)
	styles := b.snap.Workbook().Styles
	if !ok || styles == nil || int(c.Style) >= len(styles.Xfs) || len(e.sheets) == 0 {
		return nil
	}
	for i := range e.sheets[0].Cells {
		e.sheets[0].Cells[i].NumFmt = styles.Xfs[c.Style].NumFmt
	}
	return nil
}

// seriesOf gives the values of a series by their number, from 0; ok is false where a cell cannot hold one.
func seriesOf(kind string, first cell.Value, step float64, dates numfmt.DateSystem) func(i int) (cell.Value, bool) {
	if kind == "copy" {
		return func(int) (cell.Value, bool) { return first, true }
	}
	number := func(x float64) (cell.Value, bool) {
		return cell.NumberValue(x), !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	start := first.Number()
	switch kind {
	case "growth":
		return func(i int) (cell.Value, bool) { return number(start * math.Pow(step, float64(i))) }
	case "weekday":
		at := start
		return func(i int) (cell.Value, bool) {
			for n := math.Abs(step); i > 0 && n > 0; {
				at += math.Copysign(1, step)
				y, m, d, _, _, _, _, ok := numfmt.FromSerial(at, dates)
				if !ok {
					return cell.Value{}, false
				}
				if day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Weekday(); day != time.Saturday && day != time.Sunday {
					n--
				}
			}
			return number(at)
		}
	case "month", "year":
		months := step
		if kind == "year" {
			months *= 12
		}
		return func(i int) (cell.Value, bool) {
			x, ok := addMonths(start, int(months)*i, dates)
			return cell.NumberValue(x), ok
		}
	}
	return func(i int) (cell.Value, bool) { return number(start + step*float64(i)) }
}

// addMonths gives a date some months later, at the same time of the day.
func addMonths(serial float64, months int, dates numfmt.DateSystem) (float64, bool) {
	y, m, d, _, _, _, _, ok := numfmt.FromSerial(serial, dates)
	if !ok {
		return 0, false
	}
	last := time.Date(y, time.Month(m+months+1), 0, 0, 0, 0, 0, time.UTC)
	day, ok := numfmt.ToSerial(last.Year(), int(last.Month()), min(d, last.Day()), 0, 0, 0, 0, dates)
	return day + serial - math.Floor(serial), ok
}
