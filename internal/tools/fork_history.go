package tools

import (
	"context"
	"fmt"

	"gridflow/internal/forks"
)

type forkHistoryIn struct {
	ForkArg
	From  int `json:"from_version" default:"0" min:"0"`
	Limit int `json:"limit" default:"100" min:"1" max:"1000"`
}

type versionRow struct {
	Version   uint64 `json:"version"`
	At        string `json:"at"`
	What      string `json:"what"`
	ContentOf uint64 `json:"content_of"`
	Tool      string `json:"tool,omitempty"`
	Label     string `json:"label,omitempty"`
	Cells     int    `json:"cells,omitempty"`
	ID        string `json:"id,omitempty"`
}

type forkHistoryOut struct {
	Cut
	stamp
	First    uint64       `json:"oldest_version,omitempty"` // where older ones are not kept any more
	Undo     int          `json:"undo_steps"`
	Redo     int          `json:"redo_steps"`
	Versions []versionRow `json:"versions"`
}

var forkHistory = define(Spec{
	Name: "fork_history", Title: "History of a fork", Toolset: "edit", Core: true, Reach: ReachNothing,
	Description: "The versions of a fork, the oldest first: what made each, when, and how many cells it set. Any of them can be read (fork-…@N) and gone back to (restore_checkpoint with version).",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in forkHistoryIn) (*forkHistoryOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	list, err := store.History(ctx, in.Fork, uint64(in.From), in.Limit)
	if err != nil {
		return nil, err
	}
	info, err := store.Info(ctx, in.Fork)
	if err != nil {
		return nil, err
	}
	out := &forkHistoryOut{stamp: stamp{info.ID, info.Version}, First: info.First, Undo: info.Undo, Redo: info.Redo, Versions: []versionRow{}}
	lim := env.budget(in.Limit)
	for _, v := range list {
		row := versionRow{v.Number, rfc3339(v.At), v.What, v.Of, v.Tool, v.Label, v.Cells, v.ID}
		if !lim.takeEntry(&row) {
			break
		}
		out.Versions = append(out.Versions, row)
	}
	if n := len(out.Versions); n > 0 && out.Versions[n-1].Version < info.Version {
		was, last := out.Versions[0].Version, out.Versions[n-1].Version
		in.From = int(last) + 1
		out.Next = fmt.Sprintf("versions %d-%d of %d; next: %s", was, last, info.Version, callText("fork_history", in))
	}
	return out, nil
})

func (o *forkHistoryOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s is at version %d; %d steps to undo, %d to redo", o.ForkID, o.Version, o.Undo, o.Redo)
	if o.First > 0 {
		b = fmt.Appendf(b, "; versions before %d are not kept any more", o.First)
	}
	b = append(b, "\nversion\twhat\tcells\ttool\tlabel\tat\n"...)
	for _, v := range o.Versions {
		what := v.What
		if v.ContentOf != v.Version {
			what = fmt.Sprintf("%s to %d", what, v.ContentOf)
		}
		b = fmt.Appendf(b, "%d\t%s\t%d\t%s\t", v.Version, what, v.Cells, v.Tool)
		b = append(append(appendEscaped(b, v.Label), '\t'), v.At...)
		b = append(b, '\n')
	}
	return b
}

type undoIn struct {
	ForkArg
	Steps int `json:"steps" default:"1" min:"1" max:"1000"`
	Guard
}

type movedOut struct {
	stamp
	Before       uint64 `json:"previous_version"`
	Undo         int    `json:"undo_steps"`
	Redo         int    `json:"redo_steps"`
	RecalcNeeded bool   `json:"recalc_needed"`

	what string
}

var undo = define(Spec{
	Name: "undo", Title: "Undo", Toolset: "edit", Core: true, Writes: true, Reach: ReachPart,
	Description: "Takes back the last changes of a fork. It makes a new version, so that redo and the history keep everything.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in undoIn) (*movedOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	r, err := store.Undo(ctx, in.Fork, in.Steps, in.commit("undo", ""))
	return movedTo(r, "undone"), err
})

var redo = define(Spec{
	Name: "redo", Title: "Redo", Toolset: "edit", Writes: true, Reach: ReachPart,
	Description: "Makes undone changes of a fork again, as long as nothing else was changed after the undo.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in undoIn) (*movedOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	r, err := store.Redo(ctx, in.Fork, in.Steps, in.commit("redo", ""))
	return movedTo(r, "redone"), err
})

func movedTo(r forks.Result, what string) *movedOut {
	return &movedOut{stamp{r.Info.ID, r.Version}, r.Before, r.Info.Undo, r.Info.Redo, r.Info.Stale, what}
}

func (o *movedOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s: %s, now version %d; %d steps to undo, %d to redo\n", o.ForkID, o.what, o.Version, o.Undo, o.Redo)
}
