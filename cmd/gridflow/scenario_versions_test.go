//go:build unix

package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVersionIsNotTheFork holds that an id which names a version never stands for the whole
// fork: to end or to mark version 1 is refused or means version 1, and its changes are its own.
func TestVersionIsNotTheFork(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	for _, n := range []int{1, 2} {
		do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Loan!B3","value":%d}]}`, fork, n)
	}
	if got := do(t, s, "get_changeset", `{"fork_id":%q}`, fork+"@0"); !strings.Contains(got, "0 changes") {
		t.Errorf("the changes of version 0 are %s", got)
	}
	got, err := call(t.Context(), s, "checkpoint_fork", `{"fork_id":"`+fork+`@1"}`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.text, "version 2") {
		t.Errorf("a checkpoint of version 1 is %s", got.text)
	}
	refused(t, "VERSION_NOT_FOUND", s, "discard_fork", `{"fork_id":%q}`, fork+"@1")
	if got := at(t, s, fork, "Loan", "B3"); got != "2" {
		t.Errorf("after that the fork holds %q", got)
	}
}

// TestDateWithoutStyles: a workbook that has no style sheet takes dates and number formats,
// and the saved file has one, beside whatever else a save adds. What no save could write, a
// format in a style sheet without a list of formats, is refused at once.
func TestDateWithoutStyles(t *testing.T) {
	state := t.TempDir()
	r, root := editing(t, state)
	bare(t, filepath.Join(root, "bare.xlsx"))
	s := r.client(eras[0])
	fork := newFork(t, s, "bare.xlsx")
	do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Plain!A2","date":"2024-02-29"},{"address":"Plain!A3","value":0.5,"number_format":"0%%"},{"address":"Plain!B1","formula":"SEQUENCE(3)"}]}`, fork)
	for _, id := range []string{fork, "dated.xlsx"} {
		if got := at(t, s, id, "Plain", "A2"); got != "2024-02-29" {
			t.Errorf("in %s the date is %q", id, got)
		}
		if got := at(t, s, id, "Plain", "A1"); got != "1" {
			t.Errorf("in %s A1 is %q", id, got)
		}
		if id == fork {
			do(t, s, "save_fork", `{"fork_id":%q,"target_path":"dated.xlsx"}`, fork)
		}
	}
	again := newFork(t, s, "dated.xlsx")
	do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Plain!A4","date":"2024-03-01"},{"address":"Plain!A5","value":1,"number_format":"0.000"}]}`, again)
	do(t, s, "save_fork", `{"fork_id":%q}`, again)
	if got := at(t, s, "dated", "Plain", "A4"); got != "2024-03-01" {
		t.Errorf("a second date is %q", got)
	}

	bare(t, filepath.Join(root, "empty.xlsx"),
		[2]string{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>`},
		[2]string{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`})
	fork = newFork(t, s, "empty.xlsx")
	refused(t, "BAD_FORMAT", s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Plain!A1","date":"2024-02-29"}]}`, fork)
	refused(t, "BAD_FORMAT", s, "edit_batch", `{"fork_id":%q,"mode":"preview","edits":[{"address":"Plain!A1","number_format":"0%%"}]}`, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Plain!A1","value":45351}]}`, fork)
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"kept.xlsx"}`, fork)
}

// bare writes the smallest workbook: one sheet and no styles. Parts in more are added, or
// stand in place of those of the same name.
func bare(t *testing.T, path string, more ...[2]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	list := [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Plain" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>`},
	}
	for _, part := range more {
		list = slices.DeleteFunc(list, func(p [2]string) bool { return p[0] == part[0] })
	}
	for _, part := range append(list, more...) {
		w, err := z.Create(part[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, part[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
