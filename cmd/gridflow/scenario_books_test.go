//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gridflow/internal/genbook"
)

// makeShared makes the folder for what several tests use; it goes with the last of them.
var makeShared = sync.OnceValues(func() (dir string, err error) {
	sharedDir, err = os.MkdirTemp("", "gridflow-scenarios")
	return sharedDir, err
})

// plainProgram gives gridflow as it ships, for what is measured of its memory: the race
// detector's own counts with that of a process.
var plainProgram = sync.OnceValues(func() (string, error) {
	if !raceDetector {
		return os.Executable()
	}
	dir, err := makeShared()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "gridflow")
	if out, err := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return program, nil
})

// servingPlain is serving with the program as it ships.
func servingPlain(t *testing.T, root string, args ...string) *running {
	t.Helper()
	program, err := plainProgram()
	if err != nil {
		t.Fatal(err)
	}
	return servingAs(t, program, root, args...)
}

// longRows is how many rows of data the long workbook has, under its header. What is
// instrumented is slower, and a shorter one is as long.
var longRows = int64(map[bool]int{false: 400_000, true: 240_000}[raceDetector])

// slowness is what bounds of time are multiplied by, for the same reason.
var slowness = time.Duration(map[bool]int{false: 1, true: 5}[raceDetector])

// longBook makes, once, a workbook whose one sheet takes some time to read: longRows rows
// of six columns, among them texts and fractions. It is stored without compression, so
// that the bytes that a process has read of it tell how far it has got.
//
//	No  Key      Group  Half  Text          Flag
//	1   key-1    g1     0.5   text of 1     TRUE
var longBook = sync.OnceValues(func() (string, error) {
	dir, err := makeShared()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "long.xlsx")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return path, writeStored(f, []string{"Data"}, func(w io.Writer, _ int) error {
		b := []byte(`<row><c t="inlineStr"><is><t>No</t></is></c><c t="inlineStr"><is><t>Key</t></is></c><c t="inlineStr"><is><t>Group</t></is></c>` +
			`<c t="inlineStr"><is><t>Half</t></is></c><c t="inlineStr"><is><t>Text</t></is></c><c t="inlineStr"><is><t>Flag</t></is></c></row>`)
		for i := int64(1); i <= longRows; i++ {
			b = append(b, `<row><c><v>`...)
			b = strconv.AppendInt(b, i, 10)
			b = append(b, `</v></c><c t="inlineStr"><is><t>key-`...)
			b = strconv.AppendInt(b, i, 10)
			b = append(b, `</t></is></c><c t="str"><v>g`...)
			b = strconv.AppendInt(b, i%7, 10)
			b = append(b, `</v></c><c><v>`...)
			b = strconv.AppendInt(b, i/2, 10)
			b = append(b, `.5</v></c><c t="inlineStr"><is><t>text of `...)
			b = strconv.AppendInt(b, i, 10)
			b = append(b, `</t></is></c><c t="b"><v>1</v></c></row>`...)
			if len(b) > 1<<18 {
				if _, err := w.Write(b); err != nil {
					return err
				}
				b = b[:0]
			}
		}
		_, err := w.Write(b)
		return err
	})
})

// longRoot gives a folder of its own with the long workbook in it, and its size.
func longRoot(t *testing.T) (root string, size int64) {
	t.Helper()
	path, err := longBook()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return linked(t, path), info.Size()
}

// writeStored writes a workbook whose parts are not compressed; rows writes the rows of
// sheet i.
func writeStored(out io.Writer, sheets []string, rows func(w io.Writer, i int) error) error {
	const (
		head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
		main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
		docs = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
		pkg  = "http://schemas.openxmlformats.org/package/2006/"
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	)
	var types, list, rels strings.Builder
	for i, name := range sheets {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, i+1, kind)
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i+1, i+1)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, docs, i+1)
	}
	z := zip.NewWriter(out)
	part := func(name string, write func(io.Writer) error) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return err
		}
		return write(w)
	}
	for _, p := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + pkg + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + kind + `sheet.main+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + pkg + `relationships"><Relationship Id="rId1" Type="` + docs + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + main + ` xmlns:r="` + docs + `"><sheets>` + list.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + pkg + `relationships">` + rels.String() + `</Relationships>`},
	} {
		if err := part(p[0], func(w io.Writer) error { _, err := io.WriteString(w, head+p[1]); return err }); err != nil {
			return err
		}
	}
	for i := range sheets {
		err := part(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), func(w io.Writer) error {
			if _, err := io.WriteString(w, head+`<worksheet `+main+`><sheetData>`); err != nil {
				return err
			}
			if err := rows(w, i); err != nil {
				return err
			}
			_, err := io.WriteString(w, `</sheetData></worksheet>`)
			return err
		})
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// bookOf makes a workbook of the sheets given, each filled by its function.
func bookOf(t *testing.T, sheets ...*genbook.Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&genbook.Book{Title: "scenario", Sheets: sheets}).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// filled is a sheet whose cells A1 to C<rows> all hold one number.
func filled(name string, rows int, n int64) *genbook.Sheet {
	return &genbook.Sheet{Name: name, Rows: func(w *genbook.Writer) error {
		for row := range rows {
			w.Row(row)
			for col := range 3 {
				w.Int(col, 0, n)
			}
		}
		return nil
	}}
}
