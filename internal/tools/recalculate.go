package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/forks"
	"gridflow/internal/grid"
	"gridflow/internal/office/job"
)

type recalculateIn struct {
	ForkArg
	Scope   string `json:"scope" default:"all" enum:"all|stale" doc:"all formulas, or those that are stale or volatile"`
	Backend string `json:"backend" default:"auto" enum:"auto|native|libreoffice|both" also:"formualizer=native" doc:"auto is native; libreoffice takes its values into the fork; both compares the two and changes nothing"`
	Timeout int    `json:"timeout_ms" default:"30000" min:"0" doc:"0 is as long as calls may take"`
	Limit   int    `json:"limit" default:"100" min:"1" max:"2000" doc:"With both: differences to list"`
	Offset  int    `json:"offset" default:"0" min:"0"`
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
	opinion
}

// secondOut is what recalculate gives with backend both.
type secondOut struct {
	Cut
	stamp
	Millis     int64            `json:"duration_ms"`
	Backend    string           `json:"backend"`
	Formulas   int              `json:"formula_cells"`
	Different  int              `json:"different"`
	Volatile   int              `json:"volatile"`
	Rows       []calcDifference `json:"differences"`
	NextOffset int              `json:"next_offset,omitempty"`
	opinion
}

// evalErrorsMax is how many cells with errors are listed.
const evalErrorsMax = 200

var recalculate = define(Spec{
	Name: "recalculate", Title: "Recalculate", Toolset: "edit", Writes: true, Reach: ReachBook, Office: OfficeRecalc,
	Description: "Calculates the formulas of a fork anew, as one version that undo takes back. Edits do it by themselves: call it for new values of NOW, RAND and their kind, or where the file's own values are not to be trusted. LibreOffice, where installed, gives a second opinion (both) or its own values (libreoffice).",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in recalculateIn) (any, error) {
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
	out, err := in.run(run, env, store)
	if err != nil && ctx.Err() == nil && run.Err() != nil {
		return nil, context.Cause(run)
	}
	return out, err
})

// run does what the backend is.
func (in *recalculateIn) run(ctx context.Context, env *Env, store *forks.Store) (any, error) {
	begin := time.Now()
	switch in.Backend {
	case "both":
		return in.compare(ctx, env, begin)
	case "libreoffice":
		return in.adopt(ctx, env, store, begin)
	}
	r, err := store.Recalculate(ctx, in.Fork, in.Scope == "all", in.commit("recalculate", ""))
	if err != nil {
		return nil, err
	}
	return recalculated(ctx, store, r, "native", begin)
}

// recalculated words a version that a calculation has made.
func recalculated(ctx context.Context, store *forks.Store, r forks.Result, backend string, begin time.Time) (*recalculateOut, error) {
	did := r.Changeset.Calculation
	out := &recalculateOut{
		stamp: stamp{r.Info.ID, r.Version}, Before: r.Before, Backend: backend,
		Evaluated: did.Calculated, Changed: did.Changed, Errors: []string{}, Circular: len(did.Circular),
		Details: summarize(r.Changeset, false).Calculated,
	}
	err := store.View(ctx, fmt.Sprintf("%s@%d", r.Info.ID, r.Version), func(snap *book.Snapshot) error { return out.errors(ctx, snap) })
	out.Millis = time.Since(begin).Milliseconds()
	return out, err
}

const needsOffice = "the backend %q needs"

// adopt takes the values of LibreOffice into the fork.
func (in *recalculateIn) adopt(ctx context.Context, env *Env, store *forks.Store, begin time.Time) (*recalculateOut, error) {
	if in.Scope == "stale" {
		return nil, invalid("Leave scope out", "LibreOffice calculates all formulas: there is no scope %q with it", in.Scope)
	}
	fork, version, err := forks.Resolve(in.Fork)
	if err == nil {
		_, err = store.Info(ctx, fork) // before LibreOffice works for nothing
	}
	if err == nil && version != nil {
		err = invalid("Give the fork_id without a version", "%s is one version, and never changes", clip(in.Fork, 60))
	}
	if err != nil {
		return nil, err
	}
	var out *recalculateOut
	for range adoptTries {
		out, err = in.adoptOnce(ctx, env, store, fork, begin)
		if e, ok := errors.AsType[*forks.Error](err); !ok || e.Code != forks.CodeConflict || in.Expected != nil {
			break
		}
	}
	return out, err
}

// adoptTries is how often LibreOffice calculates a fork that others change meanwhile, where the
// caller did not say which version it means: whoever recalculates at the same time is one of them.
const adoptTries = 3

// adoptOnce is adopt for the version that the fork has now. If it has another one when LibreOffice is
// done, that is a conflict.
func (in *recalculateIn) adoptOnce(ctx context.Context, env *Env, store *forks.Store, fork string, begin time.Time) (out *recalculateOut, err error) {
	err = env.document(ctx, fork, fmt.Sprintf(needsOffice, in.Backend), `Call recalculate with "backend":"native" or leave backend out`, func(o *job.Office, d job.Document) error {
		c := in.commit("recalculate", "")
		if c.Expected == nil { // what comes between makes the values those of another version
			v := d.Snapshot.Version
			c.Expected = &v
		} else if *c.Expected != d.Snapshot.Version {
			_, err := store.Adopt(ctx, fork, book.Edit{}, "", c) // says what the fork has by now
			return err
		}
		v, err := o.Recalculate(ctx, d)
		if err != nil {
			return err
		}
		r, err := store.Adopt(ctx, fork, v.Edit, "libreoffice", c)
		if err != nil {
			return err
		}
		out, err = recalculated(ctx, store, r, "libreoffice", begin)
		if err == nil {
			out.opinion = opinionOf(v)
		}
		return err
	})
	return out, err
}

// compare gives the cells that the two backends calculate to different values.
func (in *recalculateIn) compare(ctx context.Context, env *Env, begin time.Time) (*secondOut, error) {
	out := &secondOut{Backend: "both", Rows: []calcDifference{}}
	err := env.document(ctx, in.Fork, fmt.Sprintf(needsOffice, in.Backend), `Call recalculate with "backend":"native" or leave backend out`, func(o *job.Office, d job.Document) error {
		if in.Expected != nil && uint64(*in.Expected) != d.Snapshot.Version {
			return fail(forks.CodeConflict, "Leave expected_version out, or give the version that is there", "the fork has version %d, not %d", d.Snapshot.Version, *in.Expected)
		}
		v, err := o.Recalculate(ctx, d)
		if err != nil {
			return err
		}
		out.stamp, out.opinion = stamp{d.Snapshot.ID, d.Snapshot.Version}, opinionOf(v)
		list := differences{limit: env.budget(in.Limit), offset: in.Offset, both: true, kept: v.Kept, sheets: d.Snapshot.SheetIndex}
		check, err := d.Snapshot.Opinion(ctx, book.MomentAt(time.Now(), 1), v.Snapshot, verifyTolerance, list.add)
		out.Formulas, out.Volatile, out.Different, out.Rows = check.Formulas, check.Volatile, list.n, append(out.Rows, list.rows...)
		return err
	})
	if err != nil {
		return nil, err
	}
	again := *in
	onward(&out.Cut, &out.NextOffset, portion{"differences", len(out.Rows), out.Different, false}, "recalculate", &again, &again.Offset)
	out.Millis = time.Since(begin).Milliseconds()
	return out, nil
}

func (o *secondOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s version %d: %d formula cells; gridflow and LibreOffice differ in %d; nothing was changed", o.ForkID, o.Version, o.Formulas, o.Different)
	if o.Volatile > 0 {
		b = fmt.Appendf(b, "; %d depend on time or chance and are not compared", o.Volatile)
	}
	b = append(b, '\n')
	b = o.appendOpinion(b, "are not compared")
	return appendDifferences(b, o.Rows, "gridflow\tlibreoffice")
}

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
	if o.Backend == "libreoffice" {
		b = append(b, "the values are LibreOffice's\n"...)
	}
	b = o.appendOpinion(b, "keep the value that they had")
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
