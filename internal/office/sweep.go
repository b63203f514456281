package office

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What lies in a pool's folder: one folder for each slot, with a profile, which is kept, for to
// make one costs LibreOffice a second, and the folder of the job that its worker has; one with
// the folders of jobs that wait, or are read; and for each worker a file that says which process
// it is. The last is there for the next server: a worker ends when its server does, but what it
// started need not.
const (
	jobsFolder    = "jobs"
	scratchFolder = "tmp"
	slotFolders   = "worker-"
	processFiles  = "process-"
)

func (p *Pool) workerFolder(s *slot) string {
	return filepath.Join(p.folder, slotFolders+strconv.Itoa(s.number))
}

// jobsOf is where the job of a slot's worker lies: no worker sees the job of another.
func (p *Pool) jobsOf(s *slot) string { return filepath.Join(p.workerFolder(s), jobsFolder) }

// mark notes which process a worker is.
func (p *Pool) mark(w Worker) {
	pid := w.Process()
	if pid == 0 {
		return
	}
	began, err := processBegan(pid)
	if err == nil {
		err = os.WriteFile(p.markOf(pid), []byte(began), 0o600)
	}
	if err != nil {
		p.log.Warn("the process of a worker cannot be noted; if the server is killed, what it started may be left", "pid", pid, "error", err)
	}
}

func (p *Pool) unmark(w Worker) {
	if pid := w.Process(); pid != 0 {
		os.Remove(p.markOf(pid))
	}
}

func (p *Pool) markOf(pid int) string {
	return filepath.Join(p.folder, processFiles+strconv.Itoa(pid))
}

// sweep removes what a killed server has left in a folder: processes, and all files but
// profiles.
func sweep(folder string, log *slog.Logger) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		switch number, ofProcess := strings.CutPrefix(e.Name(), processFiles); {
		case ofProcess:
			pid, err := strconv.Atoi(number)
			began, readErr := os.ReadFile(path)
			if err == nil && readErr == nil && pid > 1 {
				if killed, err := killGroup(pid, string(began), folder); err != nil {
					failed = append(failed, err)
					continue // the next server tries again
				} else if killed {
					log.Warn("a worker of a server that was killed was still there", "pid", pid)
				}
			}
			failed = append(failed, os.Remove(path))
		case e.Name() == jobsFolder:
			failed = append(failed, removeContents(path))
		case strings.HasPrefix(e.Name(), slotFolders):
			failed = append(failed, removeContents(filepath.Join(path, scratchFolder)), removeContents(filepath.Join(path, jobsFolder)))
		}
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
