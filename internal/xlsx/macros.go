package xlsx

import "context"

// maxMacros bounds the part with the VBA project; real ones stay below a few MiB.
const maxMacros = 20 << 20

// Macros gives the part with the VBA project, vbaProject.bin, as it is stored, or nil
// where the workbook has none. It implements book.MacroSource.
func (f *File) Macros(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rel := f.rels.first("vbaProject")
	if rel == nil {
		return nil, nil
	}
	return f.pkg.ReadAll(rel.part, min(maxMacros, f.pkg.limits.PartBytes))
}
