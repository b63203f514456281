// Package principal says for whom something is done. It is all that the rooms below the server
// know of that: a context carries a [Principal] or none, and what may not be seen is not there.
//
// The one invariant: a Principal is never changed. Who may something else from now on is
// another one, and the one before is [Principal.Over].
//
// Start reading at [From].
package principal

import "context"

// A Principal is who a call is made for, as the operator has named him. A nil *Principal is
// the operator: whoever has the standard streams, the socket of the state folder, or a server
// that asks nobody who he is. He sees everything.
type Principal struct {
	Name     string
	ReadOnly bool  // may change nothing
	Weight   int64 // of its share of the time among clients; 0: that of the settings
	Metrics  bool  // may read what the server counts about everybody
	MaxForks int   // forks that it may have at once; 0: as many as there may be

	// Roots are the absolute paths, without symbolic links, of the roots that it sees; nil:
	// all of them.
	Roots map[string]bool

	// Over ends when the principal is no more, or has become another one. nil: it never does.
	Over context.Context
}

// Sees reports whether p may know what is under a root, given by its absolute path.
func (p *Principal) Sees(root string) bool { return p == nil || p.Roots == nil || p.Roots[root] }

// SeesAll reports whether there is nothing under the roots that p may not know.
func (p *Principal) SeesAll() bool { return p == nil || p.Roots == nil }

// Owns reports whether p may know a fork that was made for owner ("" is the operator) of a
// workbook under a root. A fork belongs to who has made it, for as long as he sees what it was
// made of.
func (p *Principal) Owns(owner, root string) bool {
	return p == nil || owner == p.Name && p.Sees(root)
}

// Owner is the name under which p owns what it makes: "" for the operator.
func (p *Principal) Owner() string {
	if p == nil {
		return ""
	}
	return p.Name
}

type key struct{}

// With gives a context of work for p.
func With(ctx context.Context, p *Principal) context.Context {
	if p == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, p)
}

// From gives whom the work of a context is for: nil for the operator.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(key{}).(*Principal)
	return p
}
