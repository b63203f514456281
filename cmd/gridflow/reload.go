package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/obs"
)

// followConfig applies the settings of scheduling and of LibreOffice anew whenever the
// configuration file changes, until ctx is done: bounds, rates, seats and weights change under the
// calls that wait and run. A file that is wrong changes nothing. Other settings hold until the next start.
// again reads all settings as the start of the program did.
func followConfig(ctx context.Context, path string, apply func(*config) error, again func() (*config, error), metrics *obs.Metrics, log *slog.Logger) (stop func()) {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		// The folder is watched, because editors and deployments replace the file.
		if err = watcher.Add(filepath.Dir(path)); err != nil {
			watcher.Close()
		}
	}
	if err != nil {
		log.Warn("the configuration file cannot be watched; changes hold after a restart", "file", path, "error", err)
		return func() {}
	}
	// What was changed between the start and the watch counts from now on.
	last, _ := os.ReadFile(path)
	if c, err := again(); err == nil {
		_ = apply(c) // settings that were good for the start
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		defer watcher.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-watcher.Events:
				if !ok {
					return
				}
			case err, ok := <-watcher.Errors:
				if !ok {
					return
				}
				log.Warn("watching the configuration file", "error", err) // look at it: something may have been missed
			}
			text, err := os.ReadFile(path)
			if err != nil || string(text) == string(last) {
				continue // it is being replaced, or something else in the folder has changed
			}
			last = text
			c, err := again()
			if err == nil {
				err = apply(c)
			}
			metrics.Reloaded(err == nil)
			if err != nil {
				log.Error("the configuration file has changed and is wrong; the settings stay as they were", "file", path, "error", err)
				continue
			}
			log.Info("scheduling settings taken from the changed configuration file", "file", path)
		}
	}()
	return func() { cancel(); <-done }
}
