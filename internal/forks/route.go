package forks

import (
	"context"
	"errors"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// Router finds what an id means, a workbook or a fork, for whoever reads either. Methods of
// the workspace that are not here are for workbooks alone. It may be used from any number of
// goroutines at once.
type Router struct {
	*workspace.Workspace
	Forks *Store // nil: every id is a workbook's
	// None says why Forks is nil to who names a fork: he would look in vain for what is wrong
	// with its id. nil: there is no more to say than that no workbook is called so.
	None error
}

// absent gives what became of looking for a workbook called id where there are no forks.
func (r *Router) absent(id string, err error) error {
	var unknown *workspace.Error
	if r.None != nil && IsFork(id) && errors.As(err, &unknown) && unknown.Code == workspace.CodeNotFound {
		return r.None
	}
	return err
}

// View runs fn on the newest snapshot of a workbook or fork, or on the version of a fork
// that the id names.
func (r *Router) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	if IsFork(id) && r.Forks != nil {
		return r.Forks.View(ctx, id, fn)
	}
	return r.absent(id, r.Workspace.View(ctx, id, fn))
}

// A Package is a workbook, or a version of a fork, as a file that can be written: what it
// stands on, restructured like it, and what a save would change in that.
type Package struct {
	Snapshot *book.Snapshot
	File     *xlsx.File
	Patch    patch.Patch
	// Key names the contents: no two of one Key differ.
	Key string
}

// Package runs fn on the newest state of a workbook or fork, or the version of a fork that the
// id names. It may be used until fn returns.
func (r *Router) Package(ctx context.Context, id string, fn func(Package) error) error {
	if !IsFork(id) || r.Forks == nil {
		key, err := r.Workspace.Revision(ctx, id)
		if err != nil {
			return r.absent(id, err)
		}
		return r.Workspace.ViewFile(ctx, id, func(snap *book.Snapshot, f *xlsx.File) error {
			return fn(Package{Snapshot: snap, File: f, Key: key})
		})
	}
	id, version, err := split(id)
	if err != nil {
		return err
	}
	h, err := r.Forks.use(ctx, id, version)
	if err != nil {
		return err
	}
	defer h.hold.Release()
	p, _, err := patchOf(ctx, h.hold.Snapshot(), h.snap, r.Forks.o.WholeCells)
	if err != nil {
		return err
	}
	file := h.hold.File()
	if len(p.Structure) > 0 {
		if file, err = patch.Restructure(ctx, file, p.Structure); err != nil {
			return err
		}
		p.Structure = nil
	}
	return fn(Package{Snapshot: h.snap, File: file, Patch: p, Key: fmt.Sprintf("%s@%d", h.snap.ID, h.snap.Version)})
}

// Lookup finds a workbook, or gives a fork in the form of one: with the path and the size of
// what it stands on.
func (r *Router) Lookup(ctx context.Context, id string) (workspace.Entry, error) {
	if !IsFork(id) || r.Forks == nil {
		e, err := r.Workspace.Lookup(ctx, id)
		return e, r.absent(id, err)
	}
	info, err := r.Forks.Info(ctx, id)
	if err != nil {
		return workspace.Entry{}, err
	}
	e := workspace.EntryOf(info.Path)
	e.ID, e.ShortID, e.Bytes, e.ModTime = info.ID, info.ID, info.Base.Bytes, info.Changed
	return e, nil
}

// Revision names the contents: of a workbook the SHA-256 of its file in hex, of a fork that
// of its base with the version.
func (r *Router) Revision(ctx context.Context, id string) (string, error) {
	if !IsFork(id) || r.Forks == nil {
		key, err := r.Workspace.Revision(ctx, id)
		return key, r.absent(id, err)
	}
	info, err := r.Forks.Info(ctx, id)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s@%d", info.Base.SHA256, info.Version), nil
}

// Close drops a workbook from memory. A fork leaves it by itself.
func (r *Router) Close(ctx context.Context, id string) (bool, error) {
	if !IsFork(id) || r.Forks == nil {
		dropped, err := r.Workspace.Close(ctx, id)
		return dropped, r.absent(id, err)
	}
	_, err := r.Forks.Info(ctx, id)
	return false, err
}

// Peek tells how large what an id names is, and how much of it is in memory.
func (r *Router) Peek(ctx context.Context, id string) (fileBytes, memoryBytes int64, ok bool) {
	if !IsFork(id) || r.Forks == nil {
		return r.Workspace.Peek(ctx, id)
	}
	info, err := r.Forks.Info(ctx, id)
	if err != nil {
		return 0, 0, false
	}
	return info.Base.Bytes, r.BaseMemory(info.Base), true
}

// Converts reports whether who reads what an id names may have to wait until LibreOffice has made an
// .xlsx file of it. The base of a fork is one.
func (r *Router) Converts(ctx context.Context, id string) bool {
	return (!IsFork(id) || r.Forks == nil) && r.Workspace.Converts(ctx, id)
}

// Unread tells how much memory the load of a sheet, with "" of all sheets, of what an id
// names may still come to take, in bytes.
func (r *Router) Unread(ctx context.Context, id, sheet string) int64 {
	if !IsFork(id) || r.Forks == nil {
		return r.Workspace.Unread(ctx, id, sheet)
	}
	info, err := r.Forks.Info(ctx, id)
	if err != nil {
		return 0
	}
	return r.BaseUnread(info.Base, sheet)
}
