package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/forks"
	"gridflow/internal/office"
	"gridflow/internal/office/job"
)

// document runs fn on what an id names as a document for LibreOffice. Where there is no
// LibreOffice the error is BACKEND_UNAVAILABLE, and nothing is read.
func (e *Env) document(ctx context.Context, id, what, instead string, fn func(o *job.Office, d job.Document) error) error {
	if e.Office == nil {
		hint := "The operator can install LibreOffice (Debian: libreoffice-calc-nogui) and start the server with --office auto"
		if instead != "" {
			hint = instead + ". " + hint
		}
		return fail(office.CodeUnavailable, hint, "this server does not use LibreOffice, which %s", what)
	}
	if err := e.Office.Runner.Available(); err != nil {
		return err
	}
	return e.Documents.Package(ctx, id, func(p forks.Package) error {
		if seen, ok := ctx.Value(seenKey{}).(*seenVersion); ok && forks.IsFork(p.Snapshot.ID) {
			seen.id, seen.version, seen.stale = p.Snapshot.ID, p.Snapshot.Version, p.Snapshot.Stale()
		}
		return fn(e.Office, job.Document(p))
	})
}

// opinion is what a result says of LibreOffice's values, beside them.
type opinion struct {
	Kept      int      `json:"kept_cells,omitempty"`
	Functions []string `json:"unknown_functions,omitempty"`
}

func opinionOf(v *job.Values) opinion { return opinion{len(v.Kept), v.Functions} }

// appendOpinion says which cells LibreOffice has no value for; then is what became of them.
func (o *opinion) appendOpinion(b []byte, then string) []byte {
	if o.Kept == 0 {
		return b
	}
	b = fmt.Appendf(b, "%d cells %s, since LibreOffice does not know a function in them or in what they depend on", o.Kept, then)
	if len(o.Functions) > 0 {
		b = append(append(b, ": "...), strings.Join(o.Functions, ", ")...)
	}
	return append(b, '\n')
}
