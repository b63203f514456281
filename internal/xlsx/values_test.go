package xlsx

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"
)

// TestCorpusValues compares every cell of every workbook of the corpus with what
// excelize reads. testdata/values.txt lists the differences, by file and kind, with the
// reason for each.
func TestCorpusValues(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the whole corpus twice")
	}
	dir := corpus.Dir(t)
	expected := readManifest(t, "values.txt")
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".xlsx", ".xlsm":
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d workbooks in %s, error %v", len(files), dir, err)
	}
	t.Run("files", func(t *testing.T) {
		for _, path := range files {
			name, _ := filepath.Rel(dir, path)
			name = filepath.ToSlash(name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if expected[name] != "" {
					t.Skip(expected[name])
				}
				got, sample := compareValues(t, path)
				var kinds []string
				for kind := range got {
					kinds = append(kinds, kind)
				}
				sort.Strings(kinds)
				for _, kind := range kinds {
					if want := expected[name+" "+kind]; want != strconv.Itoa(got[kind]) {
						t.Errorf("%s=%d # %s", name+" "+kind, got[kind], sample[kind])
					}
				}
				for key := range expected {
					if file, kind, ok := strings.Cut(key, " "); ok && file == name && got[kind] == 0 {
						t.Errorf("%s is no longer there: take it off the list", key)
					}
				}
			})
		}
	})
}

// compareValues counts by kind the cells that excelize and we read differently, with an
// example of each.
func compareValues(t *testing.T, path string) (counts map[string]int, sample map[string]string) {
	counts, sample = map[string]int{}, map[string]string{}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	info, _ := src.Stat()
	f, err := Open(context.Background(), src, info.Size(), Limits{})
	if err != nil {
		return // the other test knows which files fail, and how
	}
	oracle, err := excelize.OpenFile(path)
	if err != nil {
		return
	}
	defer oracle.Close()
	for i, sheet := range f.Workbook().Sheets {
		if sheet.Kind != grid.Worksheet || sheet.Problem != "" {
			continue
		}
		ours, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
		if err != nil {
			return
		}
		theirs := map[cell.Ref]string{}
		rows, err := oracle.Rows(sheet.Name)
		if err != nil {
			counts["sheet"]++
			sample["sheet"] = fmt.Sprintf("%s: %v", sheet.Name, err)
			continue
		}
		for row := 0; rows.Next(); row++ {
			cols, err := rows.Columns(excelize.Options{RawCellValue: true})
			if err != nil {
				counts["sheet"]++
				sample["sheet"] = fmt.Sprintf("%s: %v", sheet.Name, err)
				break
			}
			for col, text := range cols {
				if text != "" {
					theirs[cell.Ref{Row: row, Col: col}] = text
				}
			}
		}
		rows.Close()
		note := func(kind string, r cell.Ref, a, b string) {
			counts[kind]++
			if counts[kind] == 1 {
				sample[kind] = fmt.Sprintf("%s!%v: ours %.60q, excelize %.60q", sheet.Name, r, a, b)
			}
		}
		for c := range ours.Cells(cell.WholeSheet) {
			text, ok := theirs[c.Ref]
			delete(theirs, c.Ref)
			own := c.Value.String()
			switch {
			case !ok && own != "":
				note("missing-there", c.Ref, own, "")
			case ok && !same(c.Value, text):
				note("differs-"+c.Value.Kind().String(), c.Ref, own, text)
			}
		}
		for r, text := range theirs {
			note("missing-here", r, "", text)
		}
	}
	return counts, sample
}

// same reports whether text, the raw text of a cell as excelize gives it, is v.
func same(v cell.Value, text string) bool {
	switch v.Kind() {
	case cell.Number:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return err == nil && math.Float64bits(f) == math.Float64bits(v.Number())
	case cell.Bool:
		return text == "1" && v.Bool() || text == "0" && !v.Bool() || strings.EqualFold(text, v.String())
	}
	return v.String() == text
}
