package tools

import (
	"context"
	"fmt"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/office/job"
)

type verifyCalculationIn struct {
	Book
	Sheet     string   `json:"sheet_name" doc:"List those of this sheet only"`
	Backend   string   `json:"backend" default:"auto" enum:"auto|native|libreoffice|both" doc:"What calculates; auto is native; both compares the two with each other"`
	Tolerance *float64 `json:"tolerance" min:"0" doc:"By how much numbers may differ, as a part of the larger one; 1e-9 unless given"`
	Limit     int      `json:"limit" default:"100" min:"1" max:"2000"`
	Offset    int      `json:"offset" default:"0" min:"0"`
}

type verifyCalculationOut struct {
	Cut
	WorkbookID string           `json:"workbook_id"`
	Backend    string           `json:"backend"`
	Formulas   int              `json:"formula_cells"`
	Different  int              `json:"different"`
	Missing    int              `json:"without_value"`
	Volatile   int              `json:"volatile"`
	Rows       []calcDifference `json:"differences"`
	NextOffset int              `json:"next_offset,omitempty"`
	opinion

	offset int
}

// calcDifference is a value that is not what its formula gives.
type calcDifference struct {
	Address     string `json:"address"`
	Stored      *told  `json:"stored,omitempty"`
	Calculated  *told  `json:"calculated,omitempty"`
	Native      *told  `json:"native,omitempty"` // these two in place of those where two backends are compared
	LibreOffice *told  `json:"libreoffice,omitempty"`
	Formula     string `json:"formula,omitempty"`
}

// verifyTolerance is how far values of two programs may be apart where a caller does not say.
const verifyTolerance = 1e-9

var verifyCalculation = define(Spec{
	Name: "verify_calculation", Title: "Check calculated values", Toolset: "analysis", Reach: ReachBook, Office: OfficeRecalc,
	Description: "Calculates every formula of a workbook or fork and lists the cells whose stored value is another one, with both values and the formula. " +
		"What depends on time or chance is not compared. Changes nothing.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in verifyCalculationIn) (*verifyCalculationOut, error) {
	out := &verifyCalculationOut{Backend: "native", Rows: []calcDifference{}, offset: in.Offset}
	look := func(snap *book.Snapshot, v *job.Values) error {
		list := differences{limit: env.budget(in.Limit), offset: in.Offset, both: in.Backend == "both", sheets: snap.SheetIndex}
		if in.Sheet != "" {
			i, err := sheetNamed(snap, in.Sheet)
			if err != nil {
				return err
			}
			list.only = snap.Workbook().Sheets[i].Name
		}
		out.WorkbookID = snap.ID
		at, tolerance := book.MomentAt(time.Now(), 1), orElse(in.Tolerance, verifyTolerance)
		var check book.Check
		var err error
		switch {
		case v == nil:
			check, err = snap.Check(ctx, at, tolerance, list.add)
		case list.both:
			out.opinion, list.kept = opinionOf(v), v.Kept
			check, err = snap.Opinion(ctx, at, v.Snapshot, tolerance, list.add)
		default:
			out.opinion, list.kept = opinionOf(v), v.Kept
			check, err = snap.CheckGiven(ctx, v.Snapshot, tolerance, list.add)
		}
		out.Formulas, out.Different, out.Missing, out.Volatile = check.Formulas, list.n, check.Missing, check.Volatile
		out.Rows = append(out.Rows, list.rows...)
		return err
	}
	var err error
	if in.Backend == "auto" || in.Backend == "native" {
		err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error { return look(snap, nil) })
	} else {
		out.Backend = in.Backend
		err = env.document(ctx, in.Workbook, fmt.Sprintf(needsOffice, in.Backend), `Call verify_calculation with "backend":"native" or leave backend out`, func(o *job.Office, d job.Document) error {
			v, err := o.Recalculate(ctx, d)
			if err != nil {
				return err
			}
			return look(d.Snapshot, v)
		})
	}
	if err != nil {
		return nil, err
	}
	onward(&out.Cut, &out.NextOffset, portion{"differences", len(out.Rows), out.Different, false}, "verify_calculation", &in, &in.Offset)
	return out, nil
})

func (o *verifyCalculationOut) appendText(b []byte, _ bool) []byte {
	what := "stored values are not what is calculated"
	switch o.Backend {
	case "both":
		what = "values of gridflow are not those of LibreOffice"
	case "libreoffice":
		what = "stored values are not what LibreOffice calculates"
	}
	b = fmt.Appendf(b, "%s: %d formula cells; %d %s", plain(o.WorkbookID), o.Formulas, o.Different, what)
	if o.Missing > 0 {
		b = fmt.Appendf(b, "; %d have no stored value", o.Missing)
	}
	if o.Volatile > 0 {
		b = fmt.Appendf(b, "; %d depend on time or chance and are not compared", o.Volatile)
	}
	b = append(b, '\n')
	b = o.appendOpinion(b, "are not compared")
	titles := "stored\tcalculated"
	if o.Backend == "both" {
		titles = "gridflow\tlibreoffice"
	}
	return appendDifferences(b, o.Rows, titles)
}

// differences gathers a page of what is different.
type differences struct {
	limit  budget
	offset int
	only   string // a sheet; "": all
	both   bool   // the values are those of two backends
	kept   map[job.Cell]bool
	sheets func(name string) (int, bool)

	n    int
	full bool
	rows []calcDifference
}

func (l *differences) add(d book.Difference) {
	if l.only != "" && d.Sheet != l.only {
		return
	}
	if len(l.kept) > 0 { // LibreOffice has no value there
		if i, ok := l.sheets(d.Sheet); ok && l.kept[job.Cell{Sheet: i, Ref: d.Ref}] {
			return
		}
	}
	if l.n++; l.n <= l.offset || l.full {
		return
	}
	row := calcDifference{Address: address(d.Sheet, d.Ref), Formula: clip(d.Formula, changeTextMax)}
	if a, b := (told{d.Stored}), (told{d.Calculated}); l.both {
		row.Native, row.LibreOffice = &a, &b
	} else {
		row.Stored, row.Calculated = &a, &b
	}
	if l.full = !l.limit.takeEntry(&row); !l.full {
		l.rows = append(l.rows, row)
	}
}

// appendDifferences appends the table of differences.
func appendDifferences(b []byte, rows []calcDifference, titles string) []byte {
	if len(rows) > 0 {
		b = fmt.Appendf(b, "cell\t%s\tformula\n", titles)
	}
	for i := range rows {
		r := &rows[i]
		b = append(appendEscaped(b, r.Address), '\t')
		for _, v := range []*told{r.Stored, r.Calculated, r.Native, r.LibreOffice} {
			if v != nil {
				b = append(v.appendText(b), '\t')
			}
		}
		if r.Formula != "" {
			b = appendEscaped(append(b, '='), r.Formula)
		}
		b = append(b, '\n')
	}
	return b
}
