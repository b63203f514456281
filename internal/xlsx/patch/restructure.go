package patch

import (
	"context"

	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
)

// Restructure gives the workbook of f after structure changes, in memory as far as it differs. What f was opened on must
// stay what it is for as long as the other is in use. Errors are those of Save.
func Restructure(ctx context.Context, f *xlsx.File, changes []structure.Change) (*xlsx.File, error) {
	n, _, err := restructured(ctx, f, changes, false)
	return n, err
}
