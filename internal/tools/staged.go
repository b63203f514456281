package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gridflow/internal/forks"
)

type listStagedIn struct {
	ForkArg
}

type stagedRow struct {
	ID      string `json:"change_id"`
	Created string `json:"created_at"`
	Label   string `json:"label,omitempty"`
	Tool    string `json:"tool"`
	Version uint64 `json:"made_for_version"`
	Cells   int    `json:"cells"`

	Summary *summary `json:"summary,omitempty"` // in the compat profile, which has no other account of it
}

type listStagedOut struct {
	ForkID string      `json:"fork_id"`
	Staged []stagedRow `json:"staged_changes"`
}

var listStagedChanges = define(Spec{
	Name: "list_staged_changes", Title: "List staged changes", Toolset: "edit", Reach: ReachNothing,
	Description: "The changes of a fork that were previewed (mode preview of the editing tools) and wait to be applied or discarded.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in listStagedIn) (*listStagedOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	out := &listStagedOut{ForkID: in.Fork, Staged: []stagedRow{}}
	list, err := store.StagedChanges(ctx, in.Fork)
	for _, s := range list {
		row := stagedRow{ID: s.ID, Created: rfc3339(s.Created), Label: s.Label, Tool: s.Tool, Version: s.Version, Cells: s.Cells}
		if a, ok := accountOf(s); ok && env.Profile == Compat {
			row.Summary = &a.Summary
			row.Summary.recast(s.Tool)
		}
		out.Staged = append(out.Staged, row)
	}
	return out, err
})

func (o *listStagedOut) appendText(b []byte, _ bool) []byte {
	if len(o.Staged) == 0 {
		return fmt.Appendf(b, "%s has no staged changes\n", o.ForkID)
	}
	b = append(b, "change_id\tfor_version\tcells\ttool\tlabel\tcreated\n"...)
	for _, s := range o.Staged {
		b = fmt.Appendf(b, "%s\t%d\t%d\t%s\t", s.ID, s.Version, s.Cells, s.Tool)
		b = append(append(appendEscaped(b, s.Label), '\t'), s.Created...)
		b = append(b, '\n')
	}
	return b
}

// account is what the tool that staged a change said of it: it stands with the change in the
// journal, because the edit alone does not know the operations that it was made of.
type account struct {
	Ops     int     `json:"ops"`
	Summary summary `json:"summary"`
}

func accountOf(s forks.Staged) (a account, ok bool) {
	ok = s.Account != "" && json.Unmarshal([]byte(s.Account), &a) == nil
	return a, ok
}

type stagedIn struct {
	ForkArg
	Change string `json:"change_id" required:"true"`
}

type applyStagedIn struct {
	stagedIn
	Guard
}

type applyStagedOut struct {
	changedOut
	ChangeID string `json:"change_id"`

	tool string // that staged it
}

var applyStagedChange = define(Spec{
	Name: "apply_staged_change", Title: "Apply a staged change", Toolset: "edit", Core: true, Writes: true, Reach: ReachPart,
	Description: "Makes a previewed change. It is refused with CONFLICT if the fork has other contents by now than it was previewed on.",
	Example:     `{"fork_id":"fork-abcdefgh2345","change_id":"chg-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in applyStagedIn) (*applyStagedOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	r, err := store.ApplyStaged(ctx, in.Fork, in.Change, in.commit("apply_staged_change", ""))
	if err != nil {
		return nil, err
	}
	out := &applyStagedOut{changedOut: changed(r), ChangeID: in.Change, tool: r.Staged.Tool}
	if a, ok := accountOf(r.Staged); ok { // it does what was previewed, and says so in the same words
		out.Applied, out.Summary.Kinds, out.Summary.Counts = a.Ops, a.Summary.Kinds, a.Summary.Counts
		out.Warnings = append(slices.Clip(a.Summary.Warnings), out.Warnings...)
		out.Summary.Warnings = a.Summary.Warnings
	}
	return out, nil
})

type discardStagedOut struct {
	ForkID    string `json:"fork_id"`
	ChangeID  string `json:"change_id"`
	Discarded bool   `json:"discarded"`
}

var discardStagedChange = define(Spec{
	Name: "discard_staged_change", Title: "Discard a staged change", Toolset: "edit", Writes: true, Destructive: true, Idempotent: true, Reach: ReachNothing,
	Description: "Forgets a previewed change; the fork stays as it is.",
	Example:     `{"fork_id":"fork-abcdefgh2345","change_id":"chg-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in stagedIn) (*discardStagedOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	return &discardStagedOut{in.Fork, in.Change, true}, store.DiscardStaged(ctx, in.Fork, in.Change)
})

func (o *discardStagedOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s: staged change %s is discarded\n", o.ForkID, o.ChangeID)
}
