package audit

import (
	"context"
	"sync"
)

// A Change is one thing that is different now.
type Change struct {
	Kind    Kind   `json:"kind"`
	ID      string `json:"id,omitempty"`      // of the fork
	Item    string `json:"item,omitempty"`    // the checkpoint or staged change of it
	Version uint64 `json:"version,omitempty"` // that the fork has now
	Path    string `json:"path,omitempty"`    // of the file, as callers see it
	Root    string `json:"root,omitempty"`    // that Path is relative to: two may have files of one name
}

// A Kind says what has become of what a Change names.
type Kind string

// The kinds of changes.
const (
	ForkMade      Kind = "fork made"
	VersionMade   Kind = "version made"
	ForkDiscarded Kind = "fork discarded"
	FileWritten   Kind = "file written"
	BackupMade    Kind = "backup made" // the file that was there before has this name now

	CheckpointMade    Kind = "checkpoint made"
	CheckpointDeleted Kind = "checkpoint deleted"
	ChangeStaged      Kind = "change staged"
	ChangeDiscarded   Kind = "staged change discarded"
)

type collectorKey struct{}

type collector struct {
	mu      sync.Mutex
	changes []Change
}

// Collect gives a context under which changes are collected, and what gives those so far.
// Both may be used from any number of goroutines.
func Collect(ctx context.Context) (context.Context, func() []Change) {
	c := new(collector)
	return context.WithValue(ctx, collectorKey{}, c), func() []Change {
		c.mu.Lock()
		defer c.mu.Unlock()
		return append([]Change(nil), c.changes...)
	}
}

// Record tells of a change that has been made, once it cannot be taken back. Without
// anybody who collects it does nothing.
func Record(ctx context.Context, change Change) {
	c, ok := ctx.Value(collectorKey{}).(*collector)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes = append(c.changes, change)
}
