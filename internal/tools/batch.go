package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// batch is a change that consists of operations, each made on what those before it left.
type batch struct {
	ctx      context.Context
	snap     *book.Snapshot // as they left it
	policy   string         // for formulas that do not parse
	guess    bool           // texts that look like numbers become numbers
	ops      []book.Op
	kinds    []string
	counts   map[string]int
	warnings []string
	bad      []badFormula
	done     int  // operations of the caller
	only     bool // there is no more than one
	room     *room
	others   []beside
}

func (b *batch) edit() book.Edit { return book.Edit{Ops: b.ops} }

func (b *batch) onlyHere() bool { return true }

func (b *batch) operations() int {
	if b.done == 0 { // a tool of one operation counts its cells
		return max(b.edit().Cells(), 1)
	}
	return b.done
}

func (b *batch) foresee(context.Context) error { return nil } // each operation has

func (b *batch) told() ([]string, []string, map[string]int) { return b.warnings, b.kinds, b.counts }

func (b *batch) besides() []beside { return b.others }

// begin notes an operation of the caller.
func (b *batch) begin(kind string) {
	if b.done++; !slices.Contains(b.kinds, kind) {
		b.kinds = append(b.kinds, kind)
	}
}

// warn notes something once.
func (b *batch) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); len(b.warnings) < warningsMax && !slices.Contains(b.warnings, w) {
		b.warnings = append(b.warnings, w)
	}
}

// editor collects edits of cells of what there is now. [batch.take] makes them.
func (b *batch) editor(sheet int) *editor {
	e := newEditor(b.snap, sheet, b.guess, b.policy)
	e.room = b.room
	return e
}

// take makes what an editor has collected.
func (b *batch) take(e *editor) error {
	if err := b.collect(e); err != nil {
		return err
	}
	return b.do(e.edit().Ops...)
}

// end is take where nothing looks at what is left: the only operation is not made twice, since whoever commits it makes it.
func (b *batch) end(e *editor) error {
	if err := b.collect(e); err != nil {
		return err
	}
	b.ops = append(b.ops, e.edit().Ops...)
	return nil
}

// collect takes over what an editor has to say.
func (b *batch) collect(e *editor) error {
	if err := b.ctx.Err(); err != nil { // what was collected may be a part
		return err
	}
	if err := e.foresee(b.ctx); err != nil {
		return err
	}
	b.bad = append(b.bad, e.bad...)
	for _, w := range e.warnings {
		b.warn("%s", w)
	}
	return nil
}

// do makes operations.
func (b *batch) do(ops ...book.Op) error {
	if len(ops) == 0 {
		return nil
	}
	next, _, err := b.snap.Apply(b.ctx, book.Edit{Ops: ops})
	var wrong *book.Error
	if errors.As(err, &wrong) && wrong.Cell < 0 { // its number of the operation is not the caller's
		return fail(string(wrong.Code), strings.TrimSuffix(wrong.Hint, "."), "%s", wrong.Message)
	}
	if err != nil {
		return err
	}
	b.snap, b.ops = next, append(b.ops, ops...)
	return nil
}

// batchOut is what tools of operations tell.
type batchOut struct {
	committed
	Bad *diagnostics `json:"formula_parse_diagnostics"`
}

func (o *batchOut) appendText(b []byte, verbose bool) []byte {
	return o.Bad.appendText(o.committed.appendText(b, verbose))
}

// batch has a fork changed by operations, or the change staged. An error of one says which it is of.
func (e *Env) batch(ctx context.Context, fork, tool, policy string, mode EditMode, guard Guard, n int, do func(b *batch, i int) error) (*batchOut, error) {
	out := &batchOut{}
	var made *batch
	c, err := e.commit(ctx, fork, tool, mode, guard, func(snap *book.Snapshot) (draft, error) {
		made = &batch{ctx: ctx, snap: snap, policy: policy, guess: e.Profile == Compat, counts: map[string]int{}, only: n == 1, room: e.room()}
		for i := range n {
			if err := do(made, i); err != nil {
				return nil, inOperation(MapError(err), i, n)
			}
		}
		return made, made.settle(snap)
	})
	if err != nil {
		return nil, err
	}
	out.committed = c
	out.Applied = made.done
	out.Bad = diagnose(policy, made.bad)
	return out, nil
}

// settle forgets operations on formats that come to nothing, since the state that they began with.
func (b *batch) settle(was *book.Snapshot) error {
	if len(b.ops) == 0 {
		return nil
	}
	for _, op := range b.ops {
		switch op.(type) {
		case book.FormatCells, book.FormatLines:
		default:
			return nil
		}
	}
	same, err := book.SameFormats(b.ctx, was, b.snap)
	if same {
		b.ops, b.counts = nil, map[string]int{}
	}
	return err
}

// onRange has a fork changed, or the change staged, by what do makes of one range.
func (e *Env) onRange(ctx context.Context, fork, tool string, mode EditMode, guard Guard, sheet, rng string, do func(b *batch, a area) error) (committed, error) {
	return e.commit(ctx, fork, tool, mode, guard, func(snap *book.Snapshot) (draft, error) {
		b := &batch{ctx: ctx, snap: snap, policy: "fail", kinds: []string{tool}, counts: map[string]int{}, room: e.room()}
		index, err := sheetNamed(snap, sheet)
		if err != nil {
			return nil, err
		}
		a, err := oneArea(ctx, snap, index, rng)
		if err != nil {
			return nil, err
		}
		return b, do(b, a)
	})
}

// inOperation says which operation of several an error is of.
func inOperation(err error, i, n int) error {
	if e, ok := err.(*Error); ok && n > 1 {
		said := *e
		said.Message = fmt.Sprintf("op %d: %s", i+1, e.Message)
		return &said
	}
	return err
}

// batchPolicy is what becomes of formulas that do not parse, unless the caller says it.
func (e *Env) batchPolicy(policy string) string {
	switch {
	case policy != "":
		return policy
	case e.Profile == Compat:
		return "warn"
	}
	return "fail"
}

// batchTarget says which cells an operation is of.
type batchTarget struct {
	Kind   string   `json:"kind" enum:"range|region|cells" doc:"range unless given"`
	Range  string   `json:"range" doc:"A1:C9, several with commas, B:B, 2:9, a name or a table"`
	Region *int     `json:"region_id" min:"0" doc:"Of sheet_overview"`
	Cells  []string `json:"cells" max:"10000"`
}

// setText reads the short form: a range.
func (t *batchTarget) setText(text string) string {
	*t = batchTarget{Range: text}
	return ""
}

// OpTarget is embedded in the operations that have a target.
type OpTarget struct {
	Sheet  string       `json:"sheet_name" required:"true"`
	Target *batchTarget `json:"target" doc:"A range as a text, or an object"`
	Range  string       `json:"range" doc:"Short for target"`
}

// cells gives the sheet and the ranges of a target. Whole columns and rows end where the
// sheet's data do.
func (b *batch) cells(in OpTarget) (sheet int, ranges []cell.Range, err error) {
	sheet, ranges, err = b.meant(in)
	for i := range ranges {
		if err == nil {
			ranges[i], err = b.withData(sheet, ranges[i])
		}
	}
	return sheet, ranges, err
}

// meant gives the sheet and the ranges of a target, which may be whole columns and rows.
func (b *batch) meant(in OpTarget) (sheet int, ranges []cell.Range, err error) {
	sheet, err = sheetNamed(b.snap, in.Sheet)
	if err != nil {
		return 0, nil, err
	}
	t := in.Target
	switch {
	case t != nil && in.Range != "":
		return 0, nil, invalid("Give one of them", "target and range exclude each other")
	case t == nil && in.Range == "":
		return 0, nil, invalid(`Example: "target":{"kind":"range","range":"A1:C9"}`, "target is missing")
	case t == nil:
		t = &batchTarget{Range: in.Range}
	}
	given := 0
	for _, is := range []bool{t.Range != "", t.Region != nil, len(t.Cells) > 0} {
		if is {
			given++
		}
	}
	if kinds := map[string]bool{"": given == 1, "range": t.Range != "" && given == 1, "region": t.Region != nil && given == 1, "cells": len(t.Cells) > 0 && given == 1}; !kinds[t.Kind] {
		return 0, nil, invalid(`Examples: {"kind":"range","range":"A1:C9"}, {"kind":"region","region_id":0}, {"kind":"cells","cells":["B2"]}`, "the target needs one of range, region_id and cells, the one of its kind")
	}
	switch {
	case t.Region != nil:
		s, err := b.snap.Sheet(b.ctx, sheet)
		if err != nil {
			return 0, nil, err
		}
		r, err := regionByID(b.ctx, analyze.ViewOf(b.snap.Workbook(), s), in.Sheet, *t.Region)
		if err != nil {
			return 0, nil, err
		}
		return sheet, []cell.Range{r.Bounds}, nil
	case t.Range != "":
		list, err := areas(b.ctx, b.snap, sheet, t.Range)
		if err != nil {
			return 0, nil, err
		}
		for i, a := range list {
			if i == 0 {
				sheet = a.sheet // the range may name a sheet of its own
			}
			if a.sheet != sheet {
				return 0, nil, invalid("Make two operations of it", "%q is on two sheets", clip(t.Range, 64))
			}
			ranges = append(ranges, a.rng)
		}
		return sheet, ranges, nil
	}
	for _, text := range t.Cells {
		ref, ok := cell.ParseRef(text)
		if !ok {
			return 0, nil, fail(codeRangeInvalid, "Write cells such as B2", "%q is no cell", clip(text, 20))
		}
		ranges = append(ranges, cell.Range{First: ref, Last: ref})
	}
	return sheet, ranges, nil
}

// withData cuts whole columns and rows down to where the sheet has cells.
func (b *batch) withData(sheet int, r cell.Range) (cell.Range, error) {
	wholeCols, wholeRows := r.First.Row == 0 && r.Last.Row == cell.MaxRows-1, r.First.Col == 0 && r.Last.Col == cell.MaxCols-1
	if !wholeCols && !wholeRows {
		return r, nil
	}
	s, err := b.snap.Sheet(b.ctx, sheet)
	if err != nil {
		return r, err
	}
	used, ok := s.Used()
	if !ok {
		used = cell.Range{}
	}
	if wholeCols {
		r.Last.Row = max(used.Last.Row, 0)
	}
	if wholeRows {
		r.Last.Col = max(used.Last.Col, 0)
	}
	b.warn("WARN_WHOLE_RANGE: whole columns or rows were taken as far as the sheet has cells: %s", r)
	return r, nil
}
