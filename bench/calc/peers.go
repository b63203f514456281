package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/calc"
	"gridflow/internal/calc/scenes"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

// rows is a maker that hands over rows: cells come row by row.
type rows struct {
	w   *excelize.StreamWriter
	row int
	out []any
	err error
}

func (r *rows) put(row, col int, v any) {
	if row != r.row {
		r.flush()
		r.row = row
	}
	for len(r.out) <= col {
		r.out = append(r.out, nil)
	}
	r.out[col] = v
}

func (r *rows) flush() {
	if len(r.out) == 0 || r.err != nil {
		return
	}
	r.err = r.w.SetRow("A"+strconv.Itoa(r.row+1), r.out)
	r.out = r.out[:0]
}

func (r *rows) Number(row, col int, f float64)    { r.put(row, col, f) }
func (r *rows) Text(row, col int, s string)       { r.put(row, col, s) }
func (r *rows) Formula(row, col int, text string) { r.put(row, col, excelize.Cell{Formula: text}) }

// writeScene writes a scene as a file, its formulas without values.
func writeScene(path string, s scenes.Scene) error {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	r := &rows{w: w}
	s.Fill(r, 1)
	r.flush()
	if r.err != nil {
		return r.err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.SaveAs(path)
}

// runGridflow calculates with one worker and with two.
func runGridflow(ctx context.Context, path string, s scenes.Scene, runs int) (one, two result, err error) {
	src, err := os.Open(path)
	if err != nil {
		return one, two, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return one, two, err
	}
	file, err := xlsx.Open(ctx, src, info.Size(), xlsx.Limits{})
	if err != nil {
		return one, two, err
	}
	sheet, err := file.Sheet(ctx, 0, cell.MaxRows-1)
	if err != nil {
		return one, two, err
	}
	in := calc.Input{Book: file.Workbook(), Sheets: []*grid.Sheet{sheet}}
	m, err := calc.NewModel(ctx, in)
	if err != nil {
		return one, two, err
	}
	var took [2][]time.Duration
	var r *calc.Result
	for i := range runs + 1 {
		for k := range took {
			from := time.Now()
			if r, err = m.Calculate(ctx, in, calc.Options{All: true, Workers: k + 1}); err != nil {
				return one, two, err
			}
			if i > 0 {
				took[k] = append(took[k], time.Since(from))
			}
		}
	}
	if r.Sheets[0] == nil {
		return one, two, errors.New("nothing was calculated")
	}
	one.formulas, two.formulas = m.Formulas(), m.Formulas()
	one.full, two.full = median(took[0]), median(took[1])
	in.Sheets = []*grid.Sheet{r.Sheets[0]}
	used, _ := in.Sheets[0].Used()
	for c := range in.Sheets[0].Cells(used) {
		if c.HasFormula() {
			one.sum += c.Value.Number()
		}
	}
	var edits []time.Duration
	for i := range runs + 1 {
		from := time.Now()
		next, err := in.Sheets[0].With([]grid.Change{{Ref: s.Edit, Value: cell.NumberValue(float64(i + 1))}})
		if err != nil {
			return one, two, err
		}
		now := in
		now.Sheets = []*grid.Sheet{next}
		if _, err = r.Model.Calculate(ctx, now, calc.Options{Sources: []calc.Cell{{At: s.Edit}}, Workers: 2}); err != nil {
			return one, two, err
		}
		if i > 0 {
			edits = append(edits, time.Since(from))
		}
	}
	one.edit = median(edits)
	return one, two, nil
}

// runExcelize asks for the formulas one by one until the limit, of a large workbook for the first ones.
func runExcelize(path string, limit time.Duration) (r result, err error) {
	f, err := excelize.OpenFile(path)
	if err != nil {
		return r, err
	}
	defer f.Close()
	list, err := f.Rows("Sheet1")
	if err != nil {
		return r, err
	}
	var formulas []string
	for row := 1; list.Next(); row++ {
		for col := 1; col <= 6; col++ {
			name, _ := excelize.CoordinatesToCellName(col, row)
			if text, err := f.GetCellFormula("Sheet1", name); err == nil && text != "" {
				formulas = append(formulas, name)
			}
		}
		if len(formulas) > 20000 && row > 100 {
			break
		}
	}
	list.Close()
	from, done := time.Now(), 0
	for _, name := range formulas {
		if _, err := f.CalcCellValue("Sheet1", name); err != nil {
			return r, err
		}
		if done++; time.Since(from) > limit {
			break
		}
	}
	r.full = time.Since(from)
	r.formulas = done
	return r, nil
}
