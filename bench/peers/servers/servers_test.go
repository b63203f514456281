package main

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"go.yaml.in/yaml/v3"

	"gridflow/internal/load"
)

// TestPeers: the list can be read, and each server's dialect has what the rows ask for.
func TestPeers(t *testing.T) {
	text, err := os.ReadFile("peers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all peers
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Servers) < 4 || all.Servers[0].Name != "gridflow" || len(all.Scripts) < 4 {
		t.Fatalf("%d servers and %d scripts", len(all.Servers), len(all.Scripts))
	}
	for _, s := range all.Servers {
		d := load.Gridflow()
		if s.Dialect != "" {
			f, err := os.Open(filepath.Join("../../load/dialects", s.Dialect))
			if err != nil {
				t.Fatal(err)
			}
			d, err = load.ReadDialect(f)
			f.Close()
			if err != nil {
				t.Errorf("%s: %v", s.Name, err)
				continue
			}
		}
		wanted := []string{"read", "page", "edit", "readback"}
		if s.Edits == "" {
			wanted = append(wanted, "save", "recalculate")
		}
		for _, op := range wanted {
			if _, ok := d.Ops[op]; !ok {
				t.Errorf("%s has no %s", s.Name, op)
			}
		}
	}
}

// TestFigures: a figure stands beside gridflow's as a ratio, and what is missing, given up
// or broken says so.
func TestFigures(t *testing.T) {
	base := took(20 * time.Millisecond)
	for want, f := range map[string]figure{
		"20 ms":           base,
		"2 s (×100)":      took(2 * time.Second),
		"50 µs (×0.0025)": took(50 * time.Microsecond),
		"–":               {err: errNone},
		"given up":        {err: context.DeadlineExceeded},
		"failed: a / b":   {err: errors.New("a | b")},
		"kept":            {text: "kept"},
	} {
		if got := f.show(base); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestFidelity: of a package that another program has written all parts are compared, and
// a file that is cut short is not one.
func TestFidelity(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, parts map[string]string) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for part, text := range parts {
			w, err := z.Create(part)
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before, err := parts(write("a.xlsx", map[string]string{"a": "1", "b": "2", "c": "3"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := compareParts(before, write("b.xlsx", map[string]string{"a": "1", "b": "x", "d": "4"})).text; got != "1, 1 of 3 (c)" {
		t.Errorf("%q", got)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "a.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "torn.xlsx")
	if err := os.WriteFile(torn, whole[:len(whole)-10], 0o666); err != nil {
		t.Fatal(err)
	}
	if readable(torn) == nil || readable(filepath.Join(dir, "a.xlsx")) != nil {
		t.Error("what is whole and what is torn are taken for each other")
	}
}

// TestExcelize: the peer that is part of this program does what it is measured for.
func TestExcelize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.xlsx")
	f := excelize.NewFile()
	if err := f.SetCellValue("Sheet1", "A1", "x"); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"cold", "page", "find", "edit", "save"} {
		if err := excelizePeer([]string{op, path, "Sheet1", "B2"}); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	saved, err := excelize.OpenFile(path + ".saved.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	if got, _ := saved.GetCellValue("Sheet1", "B2"); !strings.Contains(got, "424242") {
		t.Errorf("the saved file has %q", got)
	}
}
