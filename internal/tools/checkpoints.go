package tools

import (
	"context"
	"fmt"
	"slices"

	"gridflow/internal/forks"
)

type checkpointForkIn struct {
	ForkArg
	Label string `json:"label" line:"true"`
}

type checkpointRow struct {
	ID      string `json:"checkpoint_id"`
	Created string `json:"created_at"`
	Label   string `json:"label,omitempty"`
	Version uint64 `json:"version"`
}

func checkpointRowOf(c forks.Checkpoint) checkpointRow {
	return checkpointRow{c.ID, rfc3339(c.Created), c.Label, c.Version}
}

type checkpointForkOut struct {
	ForkID     string        `json:"fork_id"`
	Checkpoint checkpointRow `json:"checkpoint"`
	Total      int           `json:"total_checkpoints"`
}

var checkpointFork = define(Spec{
	Name: "checkpoint_fork", Title: "Make a checkpoint", Toolset: "edit", Writes: true, Reach: ReachNothing,
	Description: "Names the present version of a fork, to come back to it with restore_checkpoint. Copies nothing.",
	Example:     `{"fork_id":"fork-abcdefgh2345","label":"before the new prices"}`,
}, func(ctx context.Context, env *Env, in checkpointForkIn) (*checkpointForkOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	c, err := store.Checkpoint(ctx, in.Fork, clip(in.Label, labelMax))
	if err != nil {
		return nil, err
	}
	info, err := store.Info(ctx, in.Fork)
	return &checkpointForkOut{info.ID, checkpointRowOf(c), info.Checkpoints}, err
})

func (o *checkpointForkOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s: version %d is checkpoint %s (%d checkpoints)\n", o.ForkID, o.Checkpoint.Version, o.Checkpoint.ID, o.Total)
}

type listCheckpointsIn struct {
	ForkArg
}

type listCheckpointsOut struct {
	ForkID      string          `json:"fork_id"`
	Checkpoints []checkpointRow `json:"checkpoints"`
}

var listCheckpoints = define(Spec{
	Name: "list_checkpoints", Title: "List checkpoints", Toolset: "edit", Reach: ReachNothing,
	Description: "The checkpoints of a fork, the oldest first.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in listCheckpointsIn) (*listCheckpointsOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	list, err := store.Checkpoints(ctx, in.Fork)
	out := &listCheckpointsOut{ForkID: in.Fork, Checkpoints: []checkpointRow{}}
	for _, c := range list {
		out.Checkpoints = append(out.Checkpoints, checkpointRowOf(c))
	}
	return out, err
})

func (o *listCheckpointsOut) appendText(b []byte, _ bool) []byte {
	if len(o.Checkpoints) == 0 {
		return fmt.Appendf(b, "%s has no checkpoints\n", o.ForkID)
	}
	b = append(b, "checkpoint_id\tversion\tcreated\tlabel\n"...)
	for _, c := range o.Checkpoints {
		b = fmt.Appendf(b, "%s\t%d\t%s\t", c.ID, c.Version, c.Created)
		b = append(appendEscaped(b, c.Label), '\n')
	}
	return b
}

type restoreCheckpointIn struct {
	ForkArg
	Checkpoint string `json:"checkpoint_id" lead:"true"`
	ToVersion  *int   `json:"version" min:"0" instead:"checkpoint_id" doc:"In place of checkpoint_id: any version of fork_history"`
	Guard
}

type restoreCheckpointOut struct {
	movedOut
	Restored any `json:"restored_checkpoint,omitempty"` // its id, in the compat profile all of it
}

var restoreCheckpoint = define(Spec{
	Name: "restore_checkpoint", Title: "Go back to a checkpoint", Toolset: "edit", Writes: true, Reach: ReachPart,
	Description: "Gives a fork the contents of a checkpoint, or of any earlier version. It makes a new version; what came between stays in the history and can be had back with undo.",
	Example:     `{"fork_id":"fork-abcdefgh2345","checkpoint_id":"cp-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in restoreCheckpointIn) (*restoreCheckpointOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	var version *uint64
	switch {
	case (in.Checkpoint == "") == (in.ToVersion == nil):
		return nil, invalid(`Give one of the two; list_checkpoints and fork_history show them. Example: restore_checkpoint {"fork_id":"fork-abcdefgh2345","checkpoint_id":"cp-abcdefgh2345"}`, "checkpoint_id or version says where to go")
	case in.ToVersion != nil:
		v := uint64(*in.ToVersion)
		version = &v
	}
	r, err := store.Restore(ctx, in.Fork, in.Checkpoint, version, in.commit("restore_checkpoint", ""))
	if err != nil {
		return nil, err
	}
	out := &restoreCheckpointOut{movedOut: *movedTo(r, "restored")}
	if in.Checkpoint != "" {
		out.Restored = in.Checkpoint
	}
	if in.Checkpoint != "" && env.Profile == Compat {
		list, err := store.Checkpoints(ctx, in.Fork)
		if i := slices.IndexFunc(list, func(c forks.Checkpoint) bool { return c.ID == in.Checkpoint }); err == nil && i >= 0 {
			out.Restored = checkpointRowOf(list[i])
		}
	}
	return out, nil
})

type deleteCheckpointIn struct {
	ForkArg
	Checkpoint string `json:"checkpoint_id" required:"true"`
}

type deleteCheckpointOut struct {
	ForkID     string `json:"fork_id"`
	Checkpoint string `json:"checkpoint_id"`
	Deleted    bool   `json:"deleted"`
}

var deleteCheckpoint = define(Spec{
	Name: "delete_checkpoint", Title: "Delete a checkpoint", Toolset: "edit", Writes: true, Destructive: true, Idempotent: true, Reach: ReachNothing,
	Description: "Forgets the name of a version. The version itself stays in the history.",
	Example:     `{"fork_id":"fork-abcdefgh2345","checkpoint_id":"cp-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in deleteCheckpointIn) (*deleteCheckpointOut, error) {
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	return &deleteCheckpointOut{in.Fork, in.Checkpoint, true}, store.DeleteCheckpoint(ctx, in.Fork, in.Checkpoint)
})

func (o *deleteCheckpointOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s: checkpoint %s is deleted\n", o.ForkID, o.Checkpoint)
}
