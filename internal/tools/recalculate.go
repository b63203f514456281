package tools

import (
	"context"
	"fmt"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/grid"
)

type recalculateIn struct {
	ForkArg
	Scope   string `json:"scope" default:"all" enum:"all|stale" doc:"all formulas, or those that are stale or volatile"`
	Backend string `json:"backend" default:"auto" enum:"auto|native|libreoffice|both" also:"formualizer=native" doc:"What calculates; auto is native"`
	Timeout int    `json:"timeout_ms" default:"30000" min:"0" doc:"0 is as long as calls may take"`
	Guard
}

type recalculateOut struct {
	stamp
	Before    uint64      `json:"previous_version"`
	Millis    int64       `json:"duration_ms"`
	Backend   string      `json:"backend"`
	Evaluated int         `json:"cells_evaluated"`
	Changed   int         `json:"cells_changed"`
	Errors    []string    `json:"eval_errors"`
	AllErrors int         `json:"error_cells"`
	Circular  int         `json:"circular_count,omitempty"`
	Details   *calculated `json:"calculated,omitempty"`
}

// evalErrorsMax is how many cells with errors are listed.
const evalErrorsMax = 200

// nativeOnly refuses a backend that is not there.
func nativeOnly(backend, tool string) error {
	if backend == "auto" || backend == "native" {
		return nil
	}
	return fail("BACKEND_UNAVAILABLE", fmt.Sprintf("Call %s with \"backend\":\"native\" or leave backend out", tool), "this server does not calculate with LibreOffice, which the backend %q needs", backend)
}

var recalculate = define(Spec{
	Name: "recalculate", Title: "Recalculate", Toolset: "edit", Writes: true, Reach: ReachBook, Office: OfficeRecalc,
	Description: "Calculates the formulas of a fork anew, as one version that undo takes back. Edits do it by themselves: call it for new values of NOW, RAND and their kind, or where the file's own values are not to be trusted.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in recalculateIn) (*recalculateOut, error) {
	if err := nativeOnly(in.Backend, "recalculate"); err != nil {
		return nil, err
	}
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	run := ctx
	if in.Timeout > 0 {
		late := fail(codeTimeout, "Raise timeout_ms, 0 is without bound; nothing was changed", "the calculation was stopped after %d ms", in.Timeout)
		var stop context.CancelFunc
		run, stop = context.WithTimeoutCause(ctx, time.Duration(in.Timeout)*time.Millisecond, late)
		defer stop()
	}
	begin := time.Now()
	r, err := store.Recalculate(run, in.Fork, in.Scope == "all", in.commit("recalculate", ""))
	if err != nil {
		if ctx.Err() == nil && run.Err() != nil {
			return nil, context.Cause(run)
		}
		return nil, err
	}
	did := r.Changeset.Calculation
	out := &recalculateOut{
		stamp: stamp{r.Info.ID, r.Version}, Before: r.Before, Millis: time.Since(begin).Milliseconds(), Backend: "native",
		Evaluated: did.Calculated, Changed: did.Changed, Errors: []string{}, Circular: len(did.Circular),
		Details: summarize(r.Changeset, false).Calculated,
	}
	err = store.View(ctx, fmt.Sprintf("%s@%d", r.Info.ID, r.Version), func(snap *book.Snapshot) error { return out.errors(ctx, snap) })
	return out, err
})

// errors counts the formulas that give errors, and lists the first.
func (o *recalculateOut) errors(ctx context.Context, snap *book.Snapshot) error {
	for i, info := range snap.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		sheet, err := snap.Sheet(ctx, i)
		if err != nil {
			return err
		}
		for c := range sheet.Errors() {
			if !c.HasFormula() {
				continue
			}
			if o.AllErrors++; len(o.Errors) < evalErrorsMax {
				o.Errors = append(o.Errors, address(info.Name, c.Ref)+": "+c.Value.String())
			}
		}
	}
	if o.Circular > 0 {
		o.Errors = append(o.Errors, fmt.Sprintf("%d cells depend on themselves: formula_trace shows how", o.Circular))
	}
	return nil
}

func (o *recalculateOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: version %d (was %d); %d formulas calculated, %d cells changed, %d formulas give errors\n", o.ForkID, o.Version, o.Before, o.Evaluated, o.Changed, o.AllErrors)
	if o.Details != nil {
		b = o.Details.appendText(b)
	}
	for i, e := range o.Errors[:min(len(o.Errors), recalcResults)] {
		if i == 0 {
			b = append(b, "errors: "...)
		} else {
			b = append(b, ", "...)
		}
		b = appendEscaped(b, e)
	}
	if len(o.Errors) > 0 {
		b = append(b, '\n')
	}
	return b
}

type verifyCalculationIn struct {
	Book
	Sheet     string   `json:"sheet_name" doc:"List those of this sheet only"`
	Backend   string   `json:"backend" default:"auto" enum:"auto|native|libreoffice|both" doc:"What calculates; auto is native"`
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

	offset int
}

// calcDifference is a value that is not what its formula gives.
type calcDifference struct {
	Address    string `json:"address"`
	Stored     told   `json:"stored"`
	Calculated told   `json:"calculated"`
	Formula    string `json:"formula,omitempty"`
}

// verifyTolerance is how far values of two programs may be apart where a caller does not say.
const verifyTolerance = 1e-9

var verifyCalculation = define(Spec{
	Name: "verify_calculation", Title: "Check calculated values", Toolset: "analysis", Reach: ReachBook, Office: OfficeRecalc,
	Description: "Calculates every formula of a workbook or fork and lists the cells whose stored value is another one, with both values and the formula. " +
		"What depends on time or chance is not compared. Changes nothing.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in verifyCalculationIn) (*verifyCalculationOut, error) {
	if err := nativeOnly(in.Backend, "verify_calculation"); err != nil {
		return nil, err
	}
	out := &verifyCalculationOut{Backend: "native", Rows: []calcDifference{}, offset: in.Offset}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		only := ""
		if in.Sheet != "" {
			i, err := sheetNamed(snap, in.Sheet)
			if err != nil {
				return err
			}
			only = snap.Workbook().Sheets[i].Name
		}
		out.WorkbookID = snap.ID
		lim := env.budget(in.Limit)
		n, full := 0, false
		check, err := snap.Check(ctx, book.MomentAt(time.Now(), 1), orElse(in.Tolerance, verifyTolerance), func(d book.Difference) {
			if only != "" && d.Sheet != only {
				return
			}
			if n++; n <= in.Offset || full {
				return
			}
			row := calcDifference{address(d.Sheet, d.Ref), told{d.Stored}, told{d.Calculated}, clip(d.Formula, changeTextMax)}
			if full = !lim.takeEntry(&row); !full {
				out.Rows = append(out.Rows, row)
			}
		})
		out.Formulas, out.Different, out.Missing, out.Volatile = check.Formulas, n, check.Missing, check.Volatile
		return err
	})
	if err != nil {
		return nil, err
	}
	if next := in.Offset + len(out.Rows); next < out.Different && len(out.Rows) > 0 {
		out.NextOffset, in.Offset = next, next
		out.Next = fmt.Sprintf("differences %d-%d of %d; next: %s", out.offset+1, next, out.Different, callText("verify_calculation", in))
	}
	return out, nil
})

func (o *verifyCalculationOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %d formula cells; %d stored values are not what is calculated", plain(o.WorkbookID), o.Formulas, o.Different)
	if o.Missing > 0 {
		b = fmt.Appendf(b, "; %d have no stored value", o.Missing)
	}
	if o.Volatile > 0 {
		b = fmt.Appendf(b, "; %d depend on time or chance and are not compared", o.Volatile)
	}
	b = append(b, '\n')
	if len(o.Rows) > 0 {
		b = append(b, "cell\tstored\tcalculated\tformula\n"...)
	}
	for i := range o.Rows {
		r := &o.Rows[i]
		b = append(appendEscaped(b, r.Address), '\t')
		b = append(r.Stored.appendText(b), '\t')
		b = append(r.Calculated.appendText(b), '\t')
		if r.Formula != "" {
			b = appendEscaped(append(b, '='), r.Formula)
		}
		b = append(b, '\n')
	}
	return b
}
