package forks

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

const (
	sheetMain = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
	xltxMain  = "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml"
	xlsmMain  = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
	xltmMain  = "application/vnd.ms-excel.template.macroEnabled.main+xml"
)

// typed gives a workbook whose main part is of another type.
func typed(t *testing.T, b []byte, kind string) []byte {
	t.Helper()
	return ziptest.Rewrite(t, b, func(name string, text []byte) []byte {
		if name != "[Content_Types].xml" {
			return text
		}
		if !bytes.Contains(text, []byte(sheetMain)) {
			t.Fatalf("%s", text)
		}
		return bytes.Replace(text, []byte(sheetMain), []byte(kind), 1)
	})
}

// TestTemplates: a fork of a template is saved as a template, or as a workbook that was made of it, and each says of itself what it is.
func TestTemplates(t *testing.T) {
	for _, c := range []struct{ from, kind, to, want string }{
		{"a.xltx", xltxMain, "out.xltx", xltxMain}, {"a.xltx", xltxMain, "out.xlsx", sheetMain}, {"a.xltx", xltxMain, "out.xlsm", ""},
		{"a.xltm", xltmMain, "out.xltm", xltmMain}, {"a.xltm", xltmMain, "out.xlsm", xlsmMain}, {"a.xltm", xltmMain, "out.xlsx", ""},
		{"a.xlsx", sheetMain, "out.xltx", ""}, {"a.xlsm", xlsmMain, "out.xlsm", xlsmMain},
	} {
		for _, edited := range []bool{false, true} {
			r := newRig(t, Options{})
			r.put(c.from, typed(t, smallBook(t, 1), c.kind))
			f := r.create(c.from)
			if edited {
				r.edit(f.ID, set("Data", "A9", book.CellEdit{Value: cell.NumberValue(7)}))
			}
			_, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: c.to})
			var e *Error
			if c.want == "" {
				if !errors.As(err, &e) || e.Code != CodeBadInput {
					t.Errorf("%s as %s: %v", c.from, c.to, err)
				}
				r.close()
				continue
			}
			if err != nil {
				t.Fatalf("%s as %s: %v", c.from, c.to, err)
			}
			b, err := os.ReadFile(filepath.Join(r.dir, c.to))
			if err != nil {
				t.Fatal(err)
			}
			x, err := excelize.OpenReader(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("%s as %s: %v", c.from, c.to, err)
			}
			if v, err := x.GetCellValue("Data", "A9"); edited && (v != "7" && v != "7.00" || err != nil) {
				t.Errorf("%s as %s: A9 is %q, %v", c.from, c.to, v, err)
			}
			types := ziptest.Parts(t, b)["[Content_Types].xml"]
			if n := strings.Count(types, c.want); n != 1 || strings.Count(types, ".main+xml\"") != 1 {
				t.Errorf("%s as %s: the types are %s", c.from, c.to, types)
			}
			x.Close()
			r.close()
		}
	}
}
