package office

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"gridflow/internal/lock"
	"gridflow/internal/vfs"
)

// What lies in a pool's folder: one folder for each slot, with a profile, which is kept, for to
// make one costs LibreOffice a second, and the folder of the job that its worker has; one with
// the folders of jobs that wait, or are read; and a lock.
const (
	jobsFolder    = "jobs"
	scratchFolder = "tmp"
	slotFolders   = "worker-"
	lockFile      = "LOCK"
	jobFolders    = "gridflow-job-" // no name that the links of a document have in them

	temporaryHomes = "gridflow-office-" // how the names of folders begin that are for one pool only
)

// home is the folder of a pool. It is made when somebody wants something from LibreOffice,
// which most never do. Its methods may be called from any number of goroutines at once.
type home struct {
	given string // "": a temporary folder
	log   *slog.Logger

	mu   lock.Mutex[lock.OfficeHome]
	path string    // "": it is not open
	held io.Closer // its lock, then
}

// open makes the folder, if it is not there, and makes sure that nobody else has it. What a
// killed server has left in it is removed. The error is for now: the next call tries again.
func (h *home) open() (path string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.path != "" {
		return h.path, nil
	}
	if path = h.given; path == "" {
		path, err = os.MkdirTemp("", temporaryHomes)
	} else if path, err = filepath.Abs(path); err == nil {
		err = os.MkdirAll(path, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("the folder of LibreOffice's workers: %w", err)
	}
	held, err := hold(path)
	if err == nil {
		if err = sweep(path, h.log); err == nil {
			err = os.MkdirAll(filepath.Join(path, jobsFolder), 0o700)
		}
		if err != nil {
			held.Close()
		}
	}
	if err != nil {
		if h.given == "" {
			os.RemoveAll(path)
		}
		return "", fmt.Errorf("the folder of LibreOffice's workers: %w", err)
	}
	h.path, h.held = path, held
	return path, nil
}

// close gives the folder back; a temporary one is removed.
func (h *home) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.path == "" {
		return
	}
	if h.given == "" {
		os.RemoveAll(h.path)
	} else {
		removeContents(filepath.Join(h.path, jobsFolder))
	}
	h.held.Close()
	h.path = ""
}

// sweepOld removes what servers have left that were killed: in the folder given, or in
// temporary ones that nobody has any more.
func (h *home) sweepOld() error {
	if h.given != "" {
		if _, err := os.Stat(h.given); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		_, err := h.open()
		return err
	}
	homes, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryHomes+"*"))
	if err != nil {
		return err
	}
	for _, path := range homes {
		held, err := hold(path)
		if err != nil {
			continue // somebody has it, or it is another user's
		}
		if err = sweep(path, h.log); err == nil {
			err = os.RemoveAll(path)
		}
		if err != nil {
			h.log.Warn("a folder that a killed server has left", "error", err)
		}
		held.Close()
	}
	return nil
}

// held is a folder that nobody else has.
type held struct {
	fs   *vfs.OS
	lock io.Closer
}

// hold takes a folder for this process alone.
func hold(path string) (io.Closer, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "hold", Path: path, Err: errors.New("not a folder")}
	}
	if err != nil {
		return nil, err
	}
	f, err := vfs.OpenOS(path)
	if err != nil {
		return nil, err
	}
	l, err := f.Lock(lockFile)
	if err != nil {
		f.Close()
		return nil, err
	}
	return held{f, l}, nil
}

func (h held) Close() error { return errors.Join(h.lock.Close(), h.fs.Close()) }

// sweep removes what a killed server has left in a folder: processes, and all files but
// profiles. A worker ends when its server does, but what it has started need not, nor a worker
// that hangs where nothing can reach it.
func sweep(folder string, log *slog.Logger) error {
	killed, err := killOf(filepath.Join(folder, slotFolders))
	if killed > 0 {
		log.Warn("a server that was killed has left workers of LibreOffice, which are ended", "processes", killed)
	}
	failed := []error{err, removeContents(filepath.Join(folder, jobsFolder))}
	slots, err := filepath.Glob(filepath.Join(folder, slotFolders+"*"))
	failed = append(failed, err)
	for _, slot := range slots {
		failed = append(failed, removeContents(filepath.Join(slot, scratchFolder)), removeContents(filepath.Join(slot, jobsFolder)))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("what a killed server has left in %s: %w", folder, err)
	}
	return nil
}

func removeContents(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	failed := []error{err}
	for _, e := range entries {
		failed = append(failed, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return errors.Join(failed...)
}
