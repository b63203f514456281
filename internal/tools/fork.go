package tools

import (
	"context"
	"fmt"
	"time"

	"gridflow/internal/forks"
)

// ForkArg is embedded in the input of every tool that works on a fork.
type ForkArg struct {
	Fork string `json:"fork_id" alias:"workbook_or_fork_id|workbook_id" required:"true"`
}

// Guard is embedded in the input of every tool that changes a fork.
type Guard struct {
	Expected *int `json:"expected_version" min:"0" doc:"Refused with CONFLICT if the fork has another version by now"`
}

// commit gives what the store is to know of a change.
func (g Guard) commit(tool, label string) forks.Commit {
	c := forks.Commit{Tool: tool, Label: clip(label, labelMax)}
	if g.Expected != nil {
		v := uint64(*g.Expected)
		c.Expected = &v
	}
	return c
}

// labelMax bounds the labels that callers give things, in bytes.
const labelMax = 200

// forkStore gives the store of forks, or the error that says why there is none.
func (e *Env) forkStore() (*forks.Store, error) {
	if e.Forks != nil {
		return e.Forks, nil
	}
	why := e.NoForks
	if why == nil {
		why = fail("FORKS_DISABLED", "The operator can start the server with --state-dir", "there is no state folder, so that nothing can be edited")
	}
	return nil, why
}

// stamp is embedded in the results of tools that change a fork.
type stamp struct {
	ForkID  string `json:"fork_id"`
	Version uint64 `json:"version"`
}

func (stamp) versioned() {}

// fork gives the store, and what is known of one of its forks.
func (e *Env) fork(ctx context.Context, id string) (*forks.Store, forks.Info, error) {
	store, err := e.forkStore()
	if err != nil {
		return nil, forks.Info{}, err
	}
	info, err := store.Info(ctx, id)
	return store, info, err
}

type createForkIn struct {
	Workbook string `json:"workbook_or_fork_id" alias:"workbook_id|fork_id" required:"true" doc:"What to fork: a workbook, a fork, or a version of one (fork-…@3)"`
	Label    string `json:"label" line:"true" doc:"A few words that tell forks apart"`
	TTL      int    `json:"ttl_seconds" min:"0" doc:"Discard it when nobody has used it for so long; 0 is the server's default"`
}

type createForkOut struct {
	stamp
	BaseWorkbook string `json:"base_workbook"`
	WorkbookID   string `json:"workbook_id"`
	Label        string `json:"label,omitempty"`
	TTL          int64  `json:"ttl_seconds"`
}

var createFork = define(Spec{
	Name: "create_fork", Title: "Create a fork", Toolset: "edit", Core: true, Writes: true, Reach: ReachPart, Disk: true,
	Description: "Makes a private copy of a workbook to edit; the file stays as it is until save_fork. Copies no cell. Every read tool takes the fork_id in place of a workbook id, and fork-…@N reads version N. Forks outlive a restart of the server.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","label":"scenario B"}`,
}, func(ctx context.Context, env *Env, in createForkIn) (*createForkOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	info, err := store.Create(ctx, in.Workbook, forks.CreateOptions{Label: clip(in.Label, labelMax), TTL: time.Duration(in.TTL) * time.Second})
	if err != nil {
		return nil, err
	}
	return &createForkOut{stamp{info.ID, info.Version}, info.Path, info.Workbook, info.Label, int64(info.TTL.Seconds())}, nil
})

func (o *createForkOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s, version %d, of %s (%s)\n", o.ForkID, o.Version, plain(o.BaseWorkbook), o.WorkbookID)
	return b
}

type listForksIn struct {
	Limit  int `json:"limit" default:"100" min:"1" max:"1000"`
	Offset int `json:"offset" default:"0" min:"0"`
}

type forkRow struct {
	stamp
	BasePath     string `json:"base_path"`
	WorkbookID   string `json:"workbook_id"`
	Label        string `json:"label,omitempty"`
	From         string `json:"made_of,omitempty"`
	Age          int64  `json:"age_seconds"`
	IdleSeconds  int64  `json:"idle_seconds"`
	TTL          int64  `json:"ttl_seconds"`
	EditCount    int    `json:"edit_count"`
	RecalcNeeded bool   `json:"recalc_needed"`
	RecalcWhy    string `json:"not_recalculated_because,omitempty"` // where it stays so
	Checkpoints  int    `json:"checkpoints"`
	Staged       int    `json:"staged_changes"`
	Saved        uint64 `json:"saved_version,omitempty"`
}

type listForksOut struct {
	Cut
	Forks      []forkRow `json:"forks"`
	NextOffset int       `json:"next_offset,omitempty"`
}

var listForks = define(Spec{
	Name: "list_forks", Title: "List forks", Toolset: "edit", Core: true, Reach: ReachNothing,
	Description: "The forks that there are, with version, edits and age. To list them does not count as using them.",
	Example:     `{}`,
}, func(ctx context.Context, env *Env, in listForksIn) (*listForksOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	out := &listForksOut{Forks: []forkRow{}}
	lim := env.budget(in.Limit)
	all := store.List(ctx)
	now := time.Now() // the clock may have been set back since a fork was made
	for _, i := range all[min(in.Offset, len(all)):] {
		row := forkRow{
			stamp: stamp{i.ID, i.Version}, BasePath: i.Path, WorkbookID: i.Workbook, Label: i.Label, From: i.From,
			Age: max(0, int64(now.Sub(i.Created).Seconds())), IdleSeconds: int64(now.Sub(i.Used).Seconds()), TTL: int64(i.TTL.Seconds()),
			EditCount: i.Edits, RecalcNeeded: i.Stale, RecalcWhy: i.StaleWhy, Checkpoints: i.Checkpoints, Staged: i.Staged, Saved: i.Saved,
		}
		if !lim.takeEntry(&row) {
			break
		}
		out.Forks = append(out.Forks, row)
	}
	onward(&out.Cut, &out.NextOffset, portion{"forks", len(out.Forks), len(all), false}, "list_forks", &in, &in.Offset)
	return out, nil
})

func (o *listForksOut) appendText(b []byte, _ bool) []byte {
	if len(o.Forks) == 0 && o.Next == "" {
		return append(b, "no forks\n"...)
	}
	b = append(b, "fork_id\tversion\tedits\tstate\tof\tlabel\tage_s\n"...)
	for _, f := range o.Forks {
		state := "unsaved"
		switch {
		case f.Saved == f.Version && f.Version > 0:
			state = "saved"
		case f.Version == 0:
			state = "unedited"
		}
		if f.RecalcNeeded {
			state += ", recalc needed"
			if f.RecalcWhy != "" {
				state += " (" + f.RecalcWhy + ")"
			}
		}
		if f.Staged > 0 {
			state += fmt.Sprintf(", %d staged", f.Staged)
		}
		b = fmt.Appendf(b, "%s\t%d\t%d\t%s\t", f.ForkID, f.Version, f.EditCount, state)
		b = append(appendEscaped(b, f.BasePath), '\t')
		b = fmt.Appendf(appendEscaped(b, f.Label), "\t%d\n", f.Age)
	}
	return b
}

type discardForkIn struct {
	ForkArg
}

type discardForkOut struct {
	ForkID    string `json:"fork_id"`
	Discarded bool   `json:"discarded"`
}

var discardFork = define(Spec{
	Name: "discard_fork", Title: "Discard a fork", Toolset: "edit", Core: true, Writes: true, Destructive: true, Idempotent: true, Reach: ReachNothing,
	Description: "Ends a fork with all its versions, checkpoints and staged changes. Files are not touched.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in discardForkIn) (*discardForkOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	if err := store.Discard(ctx, in.Fork); err != nil {
		return nil, err
	}
	return &discardForkOut{in.Fork, true}, nil
})

func (o *discardForkOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s is discarded\n", o.ForkID)
}
