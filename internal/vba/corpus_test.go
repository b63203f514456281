package vba

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/corpus"
)

var update = flag.Bool("update", false, "write testdata/corpus.txt anew")

// TestCorpus reads the projects of workbooks made by other people's programs, and holds
// what is found to testdata/corpus.txt. Its module names and line counts are those that
// olevba 0.60.2 gives, but for the modules that olevba leaves out because they fail.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	var got strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(filepath.Ext(path), ".xls") {
			return err
		}
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil // none of those that hold a project
		}
		defer z.Close()
		for _, f := range z.File {
			if filepath.Base(f.Name) != "vbaProject.bin" {
				continue
			}
			r, err := f.Open()
			if err != nil {
				return err
			}
			data, err := io.ReadAll(r) // a wrong checksum comes after all of the data
			r.Close()
			if err != nil && !errors.Is(err, zip.ErrChecksum) {
				return err
			}
			rel, _ := filepath.Rel(dir, path)
			report(t, &got, filepath.ToSlash(rel), data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "corpus.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the projects are not as in %s; got:\n%s", golden, &got)
	}
}

func report(t *testing.T, w *strings.Builder, name string, data []byte) {
	p, err := Open(data)
	if err != nil {
		fmt.Fprintf(w, "%s: %v\n", name, err)
		return
	}
	fmt.Fprintf(w, "%s: %s, code page %d, %s, %d references\n", name, p.Name, p.CodePage, p.SysKind, len(p.References))
	for i := range p.Modules {
		m := &p.Modules[i]
		source, err := p.Source(m)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s, %s: an error of another type: %v", name, m.Name, err)
		}
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
		lines = strings.TrimSuffix(lines, "\n")
		if err != nil {
			fmt.Fprintf(w, "\t%s, %s: damaged\n", m.Name, m.Type)
		} else {
			fmt.Fprintf(w, "\t%s, %s: %d lines, %d characters\n", m.Name, m.Type, strings.Count(lines, "\n")+1, len([]rune(source)))
		}
	}
}
