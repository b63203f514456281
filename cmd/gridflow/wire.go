package main

import (
	"context"
	"log/slog"

	"gridflow/internal/server"
	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

// openWorkspace opens the roots and puts together what the tools and the server need of
// them.
func openWorkspace(ctx context.Context, c *config, log *slog.Logger) (*opened, error) {
	w, err := workspace.Open(ctx, workspace.Options{Roots: c.roots, CacheBytes: c.cacheBytes, ReadTimeout: c.readTimeout, Logger: log})
	if err != nil {
		return nil, err
	}
	env := &tools.Env{Workspace: w, Profile: tools.Profile(c.profile), Caps: c.caps()}
	return &opened{
		env:       env,
		resources: server.WorkbookResources(w, tools.Table(), env),
		books:     w,
		cache:     w.Stats,
		breakers:  w.Breakers,
		close:     func() error { w.Shut(); return nil },
	}, nil
}
