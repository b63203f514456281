package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/obs"
)

// followConfig applies the settings of scheduling and of LibreOffice anew whenever the
// configuration file changes, until ctx is done: bounds, rates, seats and weights change under the
// calls that wait and run. A file that is wrong changes nothing. Other settings hold until the next start:
// those that are not as they were in started are named. again reads all settings as the start of the program did.
func followConfig(ctx context.Context, path string, started *config, apply func(*config) error, again func() (*config, error), metrics *obs.Metrics, log *slog.Logger) (stop func()) {
	take := func() (waiting []string, err error) {
		c, err := again()
		if err == nil {
			err = apply(c)
		}
		if err != nil {
			return nil, err
		}
		for name, was := range started.held {
			if c.held[name] != was {
				waiting = append(waiting, name)
			}
		}
		slices.Sort(waiting)
		return waiting, nil
	}
	began := func() { _, _ = take() } // settings that were good for the start
	return followFiles(ctx, []string{path}, log, began, func() error {
		waiting, err := take()
		metrics.Reloaded(err == nil)
		if err != nil {
			log.Error("the configuration file has changed and is wrong; the settings stay as they were", "file", path, "error", err.Error())
			return err
		}
		log.Info("scheduling settings taken from the changed configuration file", "file", path)
		if waiting != nil {
			log.Warn("other settings of the changed configuration file hold from the next start on", "file", path, "settings", strings.Join(waiting, ","))
		}
		return nil
	})
}

// lookEvery is how often followed files are read though nobody tells of a change. Of many changes nobody does: the file
// is a link to one elsewhere, its folder is a link that is set anew or was put in the place of another, it lies on a
// network, or was mounted by itself into a container. Nor is it told when what kept it from being read has passed. And
// the file may say who is to be out.
const lookEvery = 500 * time.Millisecond

// passes tells whether a file could not be read for a reason that has nothing to do with it: too many are open, or the
// disk fails.
func passes(err error) bool {
	_, reading := errors.AsType[*fs.PathError](err)
	return reading && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

// watchFolders watches those that files are in, because editors and deployments replace the file.
func watchFolders(files []string) (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, f := range files {
		if folder := filepath.Dir(f); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
			err = errors.Join(err, watcher.Add(folder))
		}
	}
	if err != nil {
		watcher.Close()
		return nil, err
	}
	return watcher, nil
}

// followFiles calls changed whenever the contents of files have changed, until ctx is done or stop is
// called, which waits for it. began is called first, once they are watched: what was changed
// between their first reading and the watch counts from then on. Where changed gives an error of reading that
// passes, it is called again.
func followFiles(ctx context.Context, files []string, log *slog.Logger, began func(), changed func() error) (stop func()) {
	var events <-chan fsnotify.Event
	var failures <-chan error
	watcher, err := watchFolders(files)
	if err != nil {
		log.Debug("files cannot be watched; they are looked at now and then", "files", files, "error", err)
	} else {
		events, failures = watcher.Events, watcher.Errors
	}
	last, err := contents(files)
	unread := err != nil
	began()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		if watcher != nil {
			defer watcher.Close()
		}
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			case <-events:
			case <-failures: // something may have been missed
			}
			now, err := contents(files)
			if err != nil { // one is being replaced; or it is gone, or its mode is wrong, and nobody would know
				if !unread {
					log.Warn("a file that is followed cannot be read; what it said stays", "error", err.Error())
				}
				unread = true
				continue
			}
			unread = false
			if slices.Equal(now, last) || passes(changed()) {
				continue
			}
			last = now
		}
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(stopWait): // the disk of the file gives no answer
		}
	}
}

// stopWait is how long the end of a follower is waited for.
const stopWait = 2 * time.Second

// contents reads files.
func contents(files []string) ([]string, error) {
	var all []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}
