package office

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// What lies in a pool's folder: one folder for each slot, with a profile, which is kept, for to
// make one costs LibreOffice a second, and the folder of the job that its worker has; and one
// with the folders of jobs that wait, or are read.
const (
	jobsFolder    = "jobs"
	scratchFolder = "tmp"
	slotFolders   = "worker-"
)

func (p *Pool) workerFolder(s *slot) string {
	return filepath.Join(p.folder, slotFolders+strconv.Itoa(s.number))
}

// jobsOf is where the job of a slot's worker lies: no worker sees the job of another.
func (p *Pool) jobsOf(s *slot) string { return filepath.Join(p.workerFolder(s), jobsFolder) }

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
