package tools

import (
	"context"
	"fmt"

	"gridflow/internal/forks"
)

type saveForkIn struct {
	ForkArg
	Target    string `json:"target_path" lead:"true" doc:"Where to, relative to a served folder; left out: the file that was forked"`
	Drop      *bool  `json:"drop_fork" doc:"Discard the fork once it is saved"`
	Overwrite *bool  `json:"overwrite" doc:"Replace a file that is there: true where target_path is left out"`
	Backup    bool   `json:"backup" default:"false" doc:"Keep what was there as NAME.bak"`
	Force     bool   `json:"force" default:"false" doc:"Replace the original even if another program has changed it since"`
	AtVersion *int   `json:"version" min:"0" doc:"The newest unless given"`
}

type saveForkOut struct {
	stamp
	SavedTo    string   `json:"saved_to"`
	WorkbookID string   `json:"workbook_id"`
	Bytes      int64    `json:"bytes"`
	Cells      int      `json:"cells_written"`
	Dropped    bool     `json:"fork_dropped"`
	Warnings   []string `json:"warnings"`
}

var saveFork = define(Spec{
	Name: "save_fork", Title: "Save a fork", Toolset: "edit", Core: true, Writes: true, Destructive: true, Idempotent: true, Reach: ReachSheet, Disk: true,
	Description: "Writes a fork as a workbook file: what was edited is patched into the original, and everything else (charts, pivots, macros, formats) stays byte for byte. The file is replaced as a whole or not at all. CONFLICT if the original was changed by another program meanwhile.",
	Example:     `{"fork_id":"fork-abcdefgh2345","target_path":"reports/q3-revised.xlsx"}`,
}, func(ctx context.Context, env *Env, in saveForkIn) (*saveForkOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	o := forks.SaveOptions{
		Path: in.Target, Backup: in.Backup, Force: in.Force,
		Overwrite: orElse(in.Overwrite, in.Target == ""), Drop: orElse(in.Drop, env.Profile == Compat),
	}
	if in.AtVersion != nil {
		v := uint64(*in.AtVersion)
		o.Version = &v
	}
	old, err := env.oldPivots(ctx, in.Fork, in.AtVersion)
	if err != nil && ctx.Err() != nil {
		return nil, err
	} // or nobody can tell, as of a fork that has forgotten how it began
	s, err := store.Save(ctx, in.Fork, o)
	if err != nil {
		return nil, err
	}
	out := &saveForkOut{stamp{in.Fork, s.Version}, s.Entry.Path, s.Entry.ID, s.Entry.Bytes, s.Cells, s.Dropped, []string{}}
	out.Warnings = append(out.Warnings, s.Warnings...)
	if len(old) > 0 {
		out.Warnings = append(out.Warnings, "WARN_PIVOT_OLD: pivot tables are not calculated here, and the data of some changed: until a spreadsheet program refreshes them they show old results: "+joinClipped(old, 10))
	}
	return out, nil
})

func (o *saveForkOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "version %d of %s is saved as %s (%s), %d cells written, %d bytes\n", o.Version, o.ForkID, plain(o.SavedTo), o.WorkbookID, o.Cells, o.Bytes)
	if o.Dropped {
		b = append(b, "the fork is discarded\n"...)
	}
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	return b
}
