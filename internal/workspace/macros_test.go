package workspace

import (
	"path/filepath"
	"testing"

	"gridflow/internal/book"
)

// TestMacros asks a file of a format without macros for its VBA project, and one of a
// format that may have one.
func TestMacros(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1,2\n")
	w := open(t, Options{}, dir, "../../examples")
	for _, id := range []string{"a.csv", "loan.xlsx"} {
		err := w.View(t.Context(), id, func(s *book.Snapshot) error {
			b, err := s.Macros(t.Context())
			if b != nil {
				t.Errorf("%s has %d bytes of macros", id, len(b))
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
