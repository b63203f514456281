package xlsx

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// TestUnread: what a sheet may come to take is told until it has been read, and what is
// being read is told when it begins and when it has ended.
func TestUnread(t *testing.T) {
	data, err := os.ReadFile("../../examples/budget.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), bytes.NewReader(data), int64(len(data)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	told, most := 0, int64(0)
	f.OnLoad(func() { told++; most = max(most, f.Loading()) })
	all := f.Unread("")
	if all <= 0 || f.Unread("no such sheet") != 0 {
		t.Errorf("before: %d in all, %d of a sheet that is not there", all, f.Unread("no such sheet"))
	}
	for i, s := range f.Workbook().Sheets {
		before := f.Unread(strings.ToLower(s.Name))
		if _, err := f.Sheet(t.Context(), i, cell.MaxRows-1); err != nil {
			t.Fatal(err)
		}
		if after := f.Unread(s.Name); before <= 0 || after != 0 {
			t.Errorf("%s: %d before it was read, %d after", s.Name, before, after)
		}
	}
	if n := len(f.Workbook().Sheets); f.Unread("") != 0 || f.Loading() != 0 || told < 2*n || most <= 0 || most > all {
		t.Errorf("after %d sheets: %d are unread, %d being read; told %d times, of up to %d in all %d", n, f.Unread(""), f.Loading(), told, most, all)
	}
}
