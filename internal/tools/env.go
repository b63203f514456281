package tools

import (
	"gridflow/internal/workspace"
)

// Env is what a tool may use besides its arguments. One Env serves all calls; its
// fields do not change once the server runs.
type Env struct {
	Workspace *workspace.Workspace
	Profile   Profile
	Caps      Caps
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
}
