package tools

import (
	"context"
	"fmt"

	"gridflow/internal/book"
)

type changesSinceIn struct {
	ForkArg
	Since int `json:"version" alias:"since_version|from_version" required:"true" min:"0" doc:"The version that you saw last; every result says its own"`
	ChangeFilter
}

type changesSinceOut struct {
	stamp
	staleMark
	Since    uint64       `json:"since_version"`
	Moved    bool         `json:"moved"`
	Versions []versionRow `json:"versions"` // the newest of those since
	changeList
}

// sinceVersions is how many of the versions since are named.
const sinceVersions = 20

var changesSince = define(Spec{
	Name: "changes_since", Title: "What moved since", Toolset: "edit", Reach: ReachBook,
	Description: "What others have done to a fork since the version that you saw last: who made which versions, and the cells that are different now, with old and new values. Costs next to nothing when nothing moved.",
	Example:     `{"fork_id":"fork-abcdefgh2345","version":3}`,
}, func(ctx context.Context, env *Env, in changesSinceIn) (*changesSinceOut, error) {
	store, info, err := env.fork(ctx, in.Fork)
	if err != nil {
		return nil, err
	}
	out := &changesSinceOut{stamp: stamp{info.ID, info.Version}, Since: uint64(in.Since), Moved: info.Version != uint64(in.Since), Versions: []versionRow{}}
	out.Stale = info.Stale
	out.Changes, out.Summary = []changeRow{}, changeSummary{ByKind: map[string]int{}, ByType: map[string]int{}, BySubtype: map[string]int{}, Sheets: []string{}}
	if !out.Moved {
		return out, nil
	}
	first := uint64(in.Since) + 1
	if info.Version > first+sinceVersions-1 {
		first = info.Version - sinceVersions + 1
	}
	// One that is still to come is refused by the look at it.
	err = store.View(ctx, fmt.Sprintf("%s@%d", info.ID, in.Since), func(base *book.Snapshot) error {
		return store.View(ctx, fmt.Sprintf("%s@%d", info.ID, info.Version), func(cur *book.Snapshot) error {
			out.Stale = base.Stale() || cur.Stale()
			out.changeList, err = env.changesBetween(ctx, base, cur, in.ChangeFilter, book.DiffOptions{})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	list, err := store.History(ctx, info.ID, first, int(info.Version-first)+1)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		out.Versions = append(out.Versions, versionRow{v.Number, rfc3339(v.At), v.What, v.Of, v.Tool, clip(v.Label, 80), v.Cells, v.ID})
	}
	onwardChanges(&out.changeList, "changes_since", &in, &in.ChangeFilter)
	return out, nil
})

func (o *changesSinceOut) appendText(b []byte, _ bool) []byte {
	b = o.staleMark.appendText(b)
	if !o.Moved {
		return fmt.Appendf(b, "%s is still at version %d\n", o.ForkID, o.Version)
	}
	b = o.changeList.appendText(b, fmt.Sprintf("%s, version %d => %d", o.ForkID, o.Since, o.Version))
	if n := len(o.Versions); n > 0 {
		if left := o.Versions[0].Version - o.Since - 1; left > 0 {
			b = fmt.Appendf(b, "%d versions, and then\n", left)
		}
		for _, v := range o.Versions {
			b = fmt.Appendf(b, "version %d: %s", v.Version, v.What)
			if v.Tool != "" {
				b = append(b, " by "+v.Tool...)
			}
			if v.Cells > 0 {
				b = fmt.Appendf(b, ", %s", counted(v.Cells, "cell", "cells"))
			}
			if v.Label != "" {
				b = appendEscaped(append(b, ": "...), v.Label)
			}
			b = append(b, '\n')
		}
	}
	return b
}
