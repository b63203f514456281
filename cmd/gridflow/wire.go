package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gridflow/internal/admit"
	"gridflow/internal/audit"
	"gridflow/internal/forks"
	"gridflow/internal/journal"
	"gridflow/internal/outside"
	"gridflow/internal/server"
	"gridflow/internal/tools"
	"gridflow/internal/vfs"
	"gridflow/internal/workspace"
)

// openWorkspace opens the roots and the state folder, and puts together what the tools and
// the server need of them.
func openWorkspace(ctx context.Context, c *config, log *slog.Logger) (*opened, error) {
	return openWith(ctx, c, log, func(w *workspace.Workspace) forks.Files { return w })
}

// openWith is openWorkspace where saves go through files.
func openWith(ctx context.Context, c *config, log *slog.Logger, files func(*workspace.Workspace) forks.Files) (*opened, error) {
	state, err := c.stateFolder()
	if err != nil {
		return nil, err
	}
	o := c.workspaceOptions()
	o.Logger = log
	if o.Private, err = c.privateFolders(); err != nil {
		return nil, err
	}
	var records *journal.Log
	noForks := c.alone
	if state != "" && noForks == nil {
		records, noForks, err = openJournal(state, c.stateDir != "", log)
		var used *inUseError
		switch {
		case errors.As(err, &used) && !c.joins:
			log.Warn("another process uses the state folder; this one reads workbooks and edits nothing", "state-dir", state)
			noForks = used.forCallers()
		case err != nil:
			return nil, err
		}
	}
	if records != nil {
		o.Bases = filepath.Join(state, "bases")
	} else {
		state = ""
	}
	record, err := c.openAudit()
	if err != nil {
		return nil, errors.Join(err, closeJournal(records))
	}
	suite, err := c.openSuite(state, log)
	if err != nil {
		return nil, errors.Join(err, record.Close(), closeJournal(records))
	}
	o.Converter = suite.conversions
	w, err := workspace.Open(ctx, o)
	if err != nil {
		suite.close(ctx)
		return nil, errors.Join(err, record.Close(), closeJournal(records))
	}
	router, jobs := &forks.Router{Workspace: w, None: noForks}, new(admit.Jobs)
	if records != nil {
		o := c.forkOptions()
		o.Bases, o.Files, o.Journal, o.Logger = w, files(w), records, log
		o.Begin, o.Calculate, o.Rest = jobs.Begin, jobs.Calculate, jobs.Rest
		o.Changed, o.Expired = func(id string, _ uint64) { w.Announce(id) }, expired(record, log)
		router.Forks, err = forks.Open(ctx, o)
		if err != nil {
			w.Shut()
			suite.close(ctx)
			return nil, errors.Join(err, record.Close(), closeJournal(records))
		}
	}
	env := c.env()
	env.Workspace, env.Forks, env.NoForks = tools.Seeing{Workspace: router}, router.Forks, noForks
	env.Office, env.Documents, env.Pictures = suite.office, router, suite.pictures
	if !c.readOnly {
		env.Files = w
	}
	var stats func() forks.Stats
	if router.Forks != nil {
		stats = router.Forks.Stats
	}
	return &opened{
		env:       env,
		roots:     w.Roots(),
		state:     state,
		resources: server.WorkbookResources(router, tools.Table(), env),
		books:     router,
		jobs:      jobs,
		cache:     w.Stats,
		breakers:  w.Breakers,
		events:    w.Events,
		forks:     stats,
		office:    suite.pool,
		audit:     record,
		close: func() (err error) {
			// Before the journal, whose end lets another process take over the state folder. No
			// call is left that could have a job.
			suite.close(ctx)
			if router.Forks != nil {
				err = router.Forks.Close(context.WithoutCancel(ctx))
			}
			w.Shut()
			return errors.Join(err, record.Close())
		},
	}, nil
}

// workspaceOptions gives what the settings say of the files.
func (c *config) workspaceOptions() workspace.Options {
	return workspace.Options{Roots: c.roots, CacheBytes: c.cacheBytes, ReadTimeout: c.readTimeout, CalcBytes: c.cacheBytes, Writes: !c.readOnly}
}

// forkOptions gives what they say of forks.
func (c *config) forkOptions() forks.Options {
	return forks.Options{
		Max: c.maxForks, TTL: c.forkTTL, CheckpointsMax: c.maxCheckpoints, StagedMax: c.maxStaged, History: c.history, LiveBytes: c.forkBytes, WholeCells: 2 * c.maxEditCells,
		CalcBudget: c.calcBudget, CalcBytes: c.cacheBytes, BaseBytes: c.cacheBytes,
	}
}

// env gives what they say of what tools may do and show.
func (c *config) env() *tools.Env {
	return &tools.Env{Profile: tools.Profile(c.profile), Caps: c.caps(), Outside: outside.Policy(c.outside), Links: outside.Policy(c.linkTargets)}
}

// openAudit opens the record of what is changed, nil where there is to be none.
func (c *config) openAudit() (*audit.Log, error) {
	if c.auditFile == "" {
		return nil, nil
	}
	record, err := audit.Open(c.auditFile)
	if err != nil {
		return nil, usagef("--audit-file: %v", err)
	}
	return record, nil
}

// expired writes the line of a fork whose time was over: no call has ended it.
func expired(record *audit.Log, log *slog.Logger) func(id, owner string) {
	if record == nil {
		return nil
	}
	return func(id, owner string) {
		e := audit.Entry{Time: time.Now().UTC(), Client: "gridflow", Tool: "fork-ttl", Outcome: "ok", Changes: []audit.Change{{Kind: audit.ForkDiscarded, ID: id}}}
		if owner != "" {
			e.About = map[string]any{"owner": owner}
		}
		if err := record.Write(e); err != nil {
			log.Error("the audit has a gap", "error", err.Error(), "fork", id)
		}
	}
}

// stateFolder gives the folder where forks are kept, "" where there are to be none.
func (c *config) stateFolder() (string, error) {
	if c.stateDir == "none" || c.readOnly {
		return "", nil
	}
	return c.statePlace()
}

// privateFolders gives the folders of the state folder, which may lie in a root: the bytes that forks stand on, and
// what LibreOffice was given and has made. A server that reads only may stand beside one that edits.
func (c *config) privateFolders() ([]string, error) {
	state, err := c.statePlace()
	if state == "" || err != nil {
		return nil, err
	}
	var all []string
	for _, name := range []string{"bases", "converted", "journal", "office", "pictures", runDir} {
		all = append(all, filepath.Join(state, name))
	}
	return all, nil
}

// statePlace gives where the state folder is, or would be, "" where there is no place for one.
func (c *config) statePlace() (string, error) {
	if c.stateDir != "" && c.stateDir != "none" {
		return filepath.Abs(c.stateDir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gridflow"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		if dir, err := os.UserConfigDir(); err == nil {
			return filepath.Join(dir, "gridflow", "state"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", nil // an account without a home: there is no place that is its own
	}
	return filepath.Join(home, ".local", "state", "gridflow"), nil
}

// openJournal opens the journal of a state folder. Where another process has it the error is
// an [*inUseError]. Where there can be none, and nobody has asked for it, this process serves
// what needs no forks, and why is said to who wants them.
func openJournal(state string, asked bool, log *slog.Logger) (records *journal.Log, why, err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		if asked {
			return nil, nil, fmt.Errorf("state folder: %w; name another one with --state-dir, or none to serve without editing", err)
		}
		log.Warn("there is no state folder; nothing can be edited", "error", err)
		return nil, &tools.Error{Code: "FORKS_DISABLED", Message: "the state folder cannot be made, so that nothing can be edited", Hint: "The operator can name another one with --state-dir"}, nil
	}
	fs, err := vfs.OpenOS(state)
	if err != nil {
		return nil, nil, fmt.Errorf("state folder: %w", err)
	}
	records, err = journal.Open(fs, "journal", journal.Options{})
	if err != nil {
		fs.Close()
	}
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return nil, nil, &inUseError{state: state, why: "another gridflow process uses the state folder", hint: "Use the other one, or start this one with a --state-dir of its own"}
	case err != nil:
		return nil, nil, fmt.Errorf("state folder %s: %w", state, err)
	}
	return records, nil, nil
}

// inUseError says that another process has the state folder.
type inUseError struct{ state, why, hint string }

func (e *inUseError) Error() string { return e.why }

// forCallers words it for who wants forks.
func (e *inUseError) forCallers() error {
	return &tools.Error{Code: "STATE_IN_USE", Message: e.why + ", so that this one can edit nothing", Hint: e.hint}
}

func closeJournal(l *journal.Log) error {
	if l == nil {
		return nil
	}
	return l.Close()
}
