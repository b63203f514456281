package tools

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/forks"
	"gridflow/internal/office/job"
	"gridflow/internal/office/shelf"
	"gridflow/internal/outside"
	"gridflow/internal/workspace"
)

// Env is what a tool may use besides its arguments. One Env serves all calls; its
// fields do not change once the server runs.
type Env struct {
	Workspace Workspace
	Profile   Profile
	Caps      Caps
	Outside   outside.Policy // on formulas that reach outside of the workbook; "" is outside.Warn
	Forks     *forks.Store   // nil: nothing can be edited
	Files     Files          // nil: no file may be written
	NoForks   error          // why Forks is nil, where more is to be said than that
	Status    Status         // nil: there is no scheduler, as where single calls are made from a shell
	Links     outside.Policy // on links that may do harm when somebody follows them: to files, scripts and unknown programs; "" is outside.Warn

	// Office is what LibreOffice does; nil: this server has none. Documents is where its
	// documents come from then, and Pictures where pictures are kept, nil: nowhere.
	Office    *job.Office
	Documents Documents
	Pictures  *shelf.Shelf

	// Absent are the tools that clients cannot call, with the toolsets that have them.
	Absent map[string]string
}

// AbsentFrom gives the toolset of a tool that there is, and that clients cannot call; "" for any other name.
func (e *Env) AbsentFrom(name string) string {
	if e == nil {
		return ""
	}
	return e.Absent[name]
}

// Workspace is where workbooks come from; *workspace.Workspace is the one that reads
// files. All methods may be called from any number of goroutines at once.
type Workspace interface {
	// View runs fn on the workbook's present snapshot, loading it if need be.
	View(ctx context.Context, id string, fn func(*book.Snapshot) error) error
	// Entries lists the workbooks by slug and then path, without looking at the disk.
	Entries(ctx context.Context) []workspace.Entry
	// Walking tells whether the roots are still being read for the first time, so that
	// Entries may not be all.
	Walking() bool
	// Lookup finds a workbook by any of its ids.
	Lookup(ctx context.Context, id string) (workspace.Entry, error)
	// Revision gives the SHA-256 of the workbook's file in hex.
	Revision(ctx context.Context, id string) (string, error)
	// Close drops the workbook from the cache and says whether it was there.
	Close(ctx context.Context, id string) (dropped bool, err error)
}

// Documents is where what LibreOffice is given comes from; *forks.Router is it.
type Documents interface {
	// Package runs fn on a workbook, a fork or a version of one, as a file that can be written.
	Package(ctx context.Context, id string, fn func(forks.Package) error) error
}

// Profile chooses the defaults of what results look like.
type Profile string

// The output profiles.
const (
	Dense   Profile = "dense"   // text, few tokens: the default
	Verbose Profile = "verbose" // text, every detail switched on
	Compat  Profile = "compat"  // the JSON shapes of spreadsheet-mcp, in structuredContent and as text
)

// Caps bound what one call may give back. Zero means no bound.
type Caps struct {
	MaxCells         int // cells in one result, 10 000 by default
	MaxPayloadBytes  int // bytes of rows in one result, 65 536 by default
	MaxItems         int // entries of a list, 500 by default
	MaxResponseBytes int // bytes of the whole encoded result, 1 000 000 by default
	MaxEditCells     int // cells that one call may change, 16 777 216 by default
}

// DefaultCaps are the bounds that hold unless the operator sets others.
var DefaultCaps = Caps{MaxCells: 10_000, MaxPayloadBytes: 65_536, MaxItems: 500, MaxResponseBytes: 1_000_000, MaxEditCells: 1 << 24}

// items gives the smaller of limit and the bound on list entries.
func (c Caps) items(limit int) int {
	if c.MaxItems > 0 && (limit <= 0 || limit > c.MaxItems) {
		return c.MaxItems
	}
	return limit
}

// verbose reports whether switches that nobody set are on.
func (e *Env) verbose() bool { return e.Profile == Verbose }

// orElse gives what p points at, or def where the caller did not say.
func orElse[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
