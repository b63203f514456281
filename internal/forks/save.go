package forks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx/patch"
)

// Files is where saves go; *workspace.Workspace is it.
type Files interface {
	Target(ctx context.Context, name string) (workspace.Target, error)
	Write(ctx context.Context, t workspace.Target, o workspace.WriteOptions, fn func(io.Writer) error) (workspace.Entry, error)
}

// SaveOptions say where a fork goes and what may be in the way.
type SaveOptions struct {
	Path      string // "" is the file that the fork was made of
	Overwrite bool   // a file that is there may be replaced
	Backup    bool   // what was there stays as NAME.bak
	Drop      bool   // the fork is discarded once it is saved
	Version   *uint64
	Force     bool // replace the original even if another program has changed it since
}

// Saved is what a save did.
type Saved struct {
	Entry    workspace.Entry
	Version  uint64
	Dropped  bool
	Warnings []string
	Cells    int // cells that were written
}

// templates are the extensions of templates, with those of the workbooks that are made of them.
var templates = map[string]string{".xltx": ".xlsx", ".xltm": ".xlsm"}

// Save writes a version of a fork as a workbook: the base with what was changed, and all
// else byte for byte. The file is whole or untouched. Where it replaces the file that the
// fork was made of, that must still be what it was, or what the fork has last saved there.
func (s *Store) Save(ctx context.Context, id string, o SaveOptions) (out Saved, err error) {
	id, version, err := split(id)
	if err != nil {
		return out, err
	}
	if o.Version == nil {
		o.Version = version
	}
	var original, root, workbook string
	var expect []string
	var h head
	err = s.call(ctx, id, func(ctx context.Context, l *live) error {
		v := l.line.head()
		if o.Version != nil {
			v = *o.Version
		}
		snap, hold, err := l.at(ctx, v)
		if err != nil {
			return err
		}
		h = head{snap, hold.Again()}
		original, root = l.line.path, l.line.root
		expect = append(expect, l.line.bases[l.line.rec(v).base].SHA256)
		expect = append(expect, l.line.mayReplace(original, v)...)
		workbook = l.line.workbook
		return nil
	})
	if err != nil {
		return out, err
	}
	// The snapshot does not change: the fork can be edited while it is written.
	defer h.hold.Release()
	if o.Path == "" {
		o.Path = original
	}
	ext := strings.ToLower(path.Ext(o.Path))
	instance := ext == templates[h.hold.Ext] && ext != ""
	if ext != h.hold.Ext && !instance {
		if o.Path == original {
			return out, fail(CodeBadInput, "Give a target_path that ends in "+h.hold.Ext, "%s cannot be written: a fork of it is saved as a %s file", clip(original), h.hold.Ext)
		}
		hint := "Give a path that ends in " + h.hold.Ext
		if of, ok := templates[h.hold.Ext]; ok {
			hint += ", or in " + of + " for a workbook of the template"
		}
		return out, fail(CodeBadInput, hint, "the fork was made of a %s file and is saved as one, not as %q", h.hold.Ext, clip(o.Path))
	}
	target, err := s.target(ctx, o.Path, original, root)
	if err != nil {
		return out, err
	}
	w := workspace.WriteOptions{Overwrite: o.Overwrite, Backup: o.Backup, Fork: id, Version: h.snap.Version}
	if !o.Force && target.Path == original {
		w.Expect = expect
	}
	p, cells, err := patchOf(ctx, h.hold.Snapshot(), h.snap, s.o.WholeCells)
	if err != nil {
		return out, err
	}
	p.Instance = instance
	hash := sha256.New()
	var sum string
	out.Entry, err = s.o.Files.Write(ctx, target, w, func(f io.Writer) error {
		report, err := patch.Save(ctx, h.hold.File(), p, io.MultiWriter(f, hash))
		for _, w := range report.Warnings {
			out.Warnings = append(out.Warnings, w.Code+": "+w.Message)
		}
		if err != nil {
			return err
		}
		// Said before it is done: whoever is killed in between must know its own file again.
		sum = hex.EncodeToString(hash.Sum(nil))
		return s.note(ctx, id, func(context.Context, *live) (kind, event, *book.Edit, error) {
			return saving, event{Of: h.snap.Version, Path: target.Path, Sum: sum}, nil, nil
		})
	})
	var refused *workspace.Error
	if errors.As(err, &refused) && refused.Code == workspace.CodeConflict {
		err = s.changedFile(ctx, refused, workbook, h.hold.Snapshot())
	}
	if err != nil {
		return out, err
	}
	out.Version, out.Cells = h.snap.Version, cells
	if p.RecalcOnLoad {
		out.Warnings = append(out.Warnings, "WARN_STALE_FORMULAS: it was saved before its formulas were calculated: programs that calculate do so when they open the file, others find values that may be older than what they are computed from. Save again in a moment, or call recalculate first")
	}
	if target.Lock != "" {
		out.Warnings = append(out.Warnings, fmt.Sprintf("WARN_OPEN_ELSEWHERE: %s lies beside the file: who has it open in a spreadsheet program does not see what was saved, and may save over it", target.Lock))
	}
	// The file is there: from here on nothing is undone.
	ctx = context.WithoutCancel(ctx)
	if err := s.note(ctx, id, func(context.Context, *live) (kind, event, *book.Edit, error) {
		return saved, event{Of: out.Version, Path: target.Path, Sum: sum}, nil, nil
	}); err != nil {
		out.Warnings = append(out.Warnings, "the file is written, but the fork could not note that it was saved: "+err.Error())
		return out, nil
	}
	if o.Drop {
		err := s.call(ctx, id, func(ctx context.Context, l *live) error {
			if l.line.head() != out.Version {
				return conflict(out.Version, l.line.head())
			}
			return l.discardFor(ctx)
		})
		out.Dropped = err == nil
		if err != nil {
			out.Warnings = append(out.Warnings, "the fork stays: "+err.Error())
		}
	}
	return out, nil
}

// target finds the place of a save. That of the file which the fork was made of is under its own
// root: another one may have a file of that path, too. Where that root is not served any more, or
// under another path, the path counts alone, as for all others.
func (s *Store) target(ctx context.Context, name, original, root string) (workspace.Target, error) {
	if name == original && root != "" {
		if t, err := s.o.Files.Target(ctx, filepath.Join(root, filepath.FromSlash(original))); err == nil {
			return t, nil
		}
	}
	return s.o.Files.Target(ctx, name)
}

// Of the changes of a file so many are counted for who is told that there are some, and so many
// sheets named.
const (
	changesMost = 1000
	sheetsMost  = 5
)

// changedFile is the error for a file that may not be replaced without a question, because it
// is not what the fork stands on, base, nor what the fork has left there: it says where they differ.
func (s *Store) changedFile(ctx context.Context, refused *workspace.Error, workbook string, base *book.Snapshot) error {
	e := fail(CodeConflict, refused.Hint+"; force replaces it", "%s", refused.Message)
	e.cause = refused
	var where, parts []string // sheets with changes, in the order in which they come
	counts, first := map[string]int{}, map[string]string{}
	n, others := 0, 0
	err := s.bases.View(ctx, workbook, func(now *book.Snapshot) error {
		for c, err := range book.Diff(ctx, base, now, book.DiffOptions{}) {
			if err != nil {
				return err
			}
			if n++; n > changesMost {
				break
			}
			if c.Kind > book.RowsDeleted {
				others++
				continue
			}
			if counts[c.Sheet]++; counts[c.Sheet] == 1 {
				where = append(where, c.Sheet)
				first[c.Sheet] = cmp.Or(c.Ref, c.Range.First).String() // rows have no Ref
			}
		}
		return nil
	})
	if err != nil || n == 0 { // it cannot be read, or differs in what is no cell
		return e
	}
	for _, sheet := range where[:min(len(where), sheetsMost)] {
		parts = append(parts, fmt.Sprintf("%d in %s from %s on", counts[sheet], cell.QuoteSheet(sheet), first[sheet]))
	}
	if more := len(where) - sheetsMost; more > 0 {
		parts = append(parts, fmt.Sprintf("others in %d more sheets", more))
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d of sheets, tables and names", others))
	}
	at := fmt.Sprint(n)
	if n > changesMost {
		at = fmt.Sprintf("more than %d", changesMost)
	}
	e.Message += fmt.Sprintf("; differences to what the fork stands on: %s (%s)", at, strings.Join(parts, ", "))
	return e
}
