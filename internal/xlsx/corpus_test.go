package xlsx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
)

// manifest reads testdata/corpus.txt: what is expected of which file, and why.
func manifest(t *testing.T) map[string]string { return readManifest(t, "corpus.txt") }

// readManifest reads a list of exceptions in testdata: a path and what is expected of it,
// or a path, a difference and its value, each with a reason.
func readManifest(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := make(map[string]string)
	for s := bufio.NewScanner(f); s.Scan(); {
		line, reason, _ := strings.Cut(s.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.TrimSpace(reason) == "" {
			t.Errorf("testdata/%s gives no reason for %q", name, line)
		}
		path, want, _ := strings.Cut(line, " ")
		key := path
		if what, value, isDifference := strings.Cut(strings.TrimSpace(want), "="); isDifference {
			key, want = path+" "+what, value
		}
		lines[key] = strings.TrimSpace(want)
	}
	return lines
}

// TestCorpus opens every workbook of the corpus. Each opens, or fails in the way that
// the manifest says; and what was counted in it is what excelize counts, or the
// difference is in the manifest.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	expected := manifest(t)
	// The race detector makes excelize slow and finds nothing of ours in it.
	compared := !testing.Short() && !raceDetector
	var mu sync.Mutex
	used := make(map[string]bool)
	totals := make(map[string]int)
	check := func(t *testing.T, key, got, otherwise string) {
		mu.Lock()
		want, listed := expected[key]
		used[key] = true
		mu.Unlock()
		if !listed {
			want = otherwise
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls":
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d workbooks in %s, error %v", len(files), dir, err)
	}
	t.Run("files", func(t *testing.T) {
		for _, path := range files {
			name, _ := filepath.Rel(dir, path)
			name = filepath.ToSlash(name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ours, err := countOurs(path)
				status := "opens"
				if err != nil {
					var e *Error
					if !errors.As(err, &e) {
						t.Fatalf("an error without a type: %v", err)
					}
					status = string(e.Code)
				}
				otherwise := "opens"
				switch filepath.Ext(name) {
				case ".xls", ".xlsb":
					otherwise = string(Unsupported)
				}
				mu.Lock()
				_, listed := expected[name]
				mu.Unlock()
				if status != otherwise || listed {
					t.Logf("error: %v", err)
				}
				check(t, name, status, otherwise)
				mu.Lock()
				_, alone := expected[name+" oracle"]
				used[name+" oracle"] = true
				for what, n := range ours {
					totals[what] += n
				}
				mu.Unlock()
				if err != nil || alone || !compared {
					return
				}
				theirs, err := countTheirs(path)
				if err != nil {
					t.Logf("excelize does not open it: %v", err)
					return
				}
				for what, n := range ours {
					m := theirs[what]
					check(t, name+" "+what, fmt.Sprintf("%d/%d", n, m), fmt.Sprintf("%d/%d", m, m))
				}
			})
		}
	})
	for what, n := range totals {
		t.Logf("%d %s", n, what)
		if n == 0 {
			t.Errorf("no workbook of the corpus has any %s", what)
		}
	}
	if compared {
		var unused []string
		for key := range expected {
			if !used[key] {
				unused = append(unused, key)
			}
		}
		slices.Sort(unused)
		for _, key := range unused {
			t.Errorf("testdata/corpus.txt lists %q, which is not in the corpus", key)
		}
	}
}

// countOurs opens a workbook and counts what it holds.
func countOurs(path string) (map[string]int, error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	f, err := Open(ctx, src, info.Size(), Limits{})
	if err != nil {
		return nil, err
	}
	book := f.Workbook()
	n := map[string]int{"sheets": len(book.Sheets), "names": len(book.Names), "xfs": len(book.Styles.Xfs), "dxfs": len(book.Styles.Dxfs),
		"fonts": len(book.Styles.Fonts), "fills": len(book.Styles.Fills), "borders": len(book.Styles.Borders)}
	tables, err := f.Tables(ctx)
	if err != nil {
		return nil, err
	}
	n["tables"] = len(tables)
	for i := range book.Sheets {
		if f.Workbook().Sheets[i].Problem != "" {
			continue
		}
		s, err := f.Sheet(ctx, i, cell.MaxRows-1)
		if err != nil {
			return nil, err
		}
		l := s.Layout
		n["merges"] += len(l.Merges)
		n["validations"] += len(l.Validations)
		n["conditional"] += len(l.Conditional)
		n["hyperlinks"] += len(l.Hyperlinks)
		for _, c := range l.Comments {
			if !c.Threaded {
				n["comments"]++
			}
		}
	}
	return n, nil
}

// countTheirs counts the same with excelize.
func countTheirs(path string) (n map[string]int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panics: %v", r)
		}
	}()
	f, err := excelize.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n = map[string]int{"sheets": len(f.GetSheetList()), "names": len(f.GetDefinedName())}
	// Reading any style makes excelize parse the style sheet.
	if _, err := f.GetStyle(0); err != nil || f.Styles == nil {
		return nil, fmt.Errorf("styles: %w", err)
	}
	if f.Styles.CellXfs != nil {
		n["xfs"] = len(f.Styles.CellXfs.Xf)
	}
	if f.Styles.Dxfs != nil {
		n["dxfs"] = len(f.Styles.Dxfs.Dxfs)
	}
	if f.Styles.Fonts != nil {
		n["fonts"] = len(f.Styles.Fonts.Font)
	}
	if f.Styles.Fills != nil {
		n["fills"] = len(f.Styles.Fills.Fill)
	}
	if f.Styles.Borders != nil {
		n["borders"] = len(f.Styles.Borders.Border)
	}
	for _, sheet := range f.GetSheetList() {
		if tables, err := f.GetTables(sheet); err == nil {
			n["tables"] += len(tables)
		}
		if merges, err := f.GetMergeCells(sheet, true); err == nil {
			n["merges"] += len(merges)
		}
		if rules, err := f.GetDataValidations(sheet); err == nil {
			n["validations"] += len(rules)
		}
		if formats, err := f.GetConditionalFormats(sheet); err == nil {
			for _, rules := range formats {
				n["conditional"] += len(rules)
			}
		}
		if links, err := f.GetHyperLinkCells(sheet, ""); err == nil {
			n["hyperlinks"] += len(links)
		}
		if comments, err := f.GetComments(sheet); err == nil {
			n["comments"] += len(comments)
		}
	}
	return n, nil
}
