package workspace

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
)

// ReadFile gives the content of a file under a root, which need be no workbook and must not be larger than
// limit. The path is one that Target takes; what is no regular file is refused.
func (w *Workspace) ReadFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	t, err := w.Target(ctx, name)
	if err != nil {
		var ours *Error
		if errors.As(err, &ours) {
			return nil, &Error{Code: ours.Code, Message: clip(name) + " cannot be read: it is no file of a served folder", Hint: "Give a path relative to one of the folders that are served", cause: err}
		}
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := w.openAt(w.roots[t.place.root].dir.Load().Root, filepath.FromSlash(t.place.rel))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Code: CodeBadPath, Message: "there is no file " + clip(t.Path), Hint: "Give a path relative to one of the folders that are served", cause: err}
	}
	if err != nil {
		return nil, fileError(t.Path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fileError(t.Path, err)
	case !info.Mode().IsRegular():
		return nil, &Error{Code: CodeBadPath, Message: clip(t.Path) + " is no regular file", Hint: "Give a path to a file"}
	case info.Size() > limit:
		return nil, &Error{Code: CodeBadPath, Message: clip(t.Path) + " has more than " + strconv.FormatInt(limit, 10) + " bytes", Hint: "Make it smaller first"}
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError(t.Path, err)
	}
	if int64(len(b)) > limit {
		return nil, &Error{Code: CodeChanged, Message: clip(t.Path) + " was changed while it was being read", Hint: "Call again"}
	}
	return b, nil
}
