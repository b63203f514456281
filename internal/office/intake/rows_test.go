package intake

import (
	"archive/zip"
	"cmp"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/ziptest"
)

// copiedParts gives the entries of the copy of a file with less of its sheets.
func copiedParts(t *testing.T, content []byte, only map[string][]Rows) (map[string]string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "copy")
	if _, err := (Limits{}).CopyRows(out, file(t, content), only); err != nil {
		if _, left := os.Stat(out); left == nil {
			t.Error("the copy failed, and there is a file")
		}
		return nil, err
	}
	z, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	parts := map[string]string{}
	for _, e := range z.File {
		text, err := readEntry(e, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		parts[e.Name] = string(text)
	}
	return parts, nil
}

// TestCopyRows: of a sheet the cells of some rows stay, with whatever stands around the cells and what other rows say of
// their height.
func TestCopyRows(t *testing.T) {
	long := strings.Repeat("long", 100_000) // more than a window
	for name, c := range map[string]struct {
		sheet, want string
		rows        []Rows
	}{
		"some rows": {
			`<worksheet><cols/><sheetData><row r="1" spans="1:2" x14ac:dyDescent=".2"><c r="A1"/></row><row r="2"><c r="A2"><v>2</v></c></row><row r="3"><c r="A3"/></row><row r="7"><c r="B7"/></row></sheetData><mergeCells/></worksheet>`,
			`<worksheet><cols/><sheetData><row r="2"><c r="A2"><v>2</v></c></row><row r="7"><c r="B7"/></row></sheetData><mergeCells/></worksheet>`,
			[]Rows{{1, 1}, {5, 9}},
		},
		"rows with a height": {
			`<worksheet><sheetData><row r="1" ht="3"><c r="A1"/></row><row r="2" hidden="1"/><row r="3"><c r="A3"/></row></sheetData></worksheet>`,
			`<worksheet><sheetData><row r="1" ht="3"/><row r="2" hidden="1"/><row r="3"><c r="A3"/></row></sheetData></worksheet>`,
			[]Rows{{2, 2}},
		},
		"rows that are counted": {
			`<x:worksheet xmlns:x="a"><x:sheetData><x:row><x:c/></x:row> <x:row ht='3'><x:c/></x:row><x:row><x:c><x:v>3</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
			`<x:worksheet xmlns:x="a"><x:sheetData><x:row r="2" ht='3'/><x:row r="3"><x:c><x:v>3</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
			[]Rows{{2, 2}},
		},
		"a long cell": {
			`<worksheet><sheetData><row r="1"><c r="A1"><v>` + long + `</v></c></row><row r="2"><c r="A2"><v>` + long + `2</v></c></row></sheetData></worksheet>`,
			`<worksheet><sheetData><row r="2"><c r="A2"><v>` + long + `2</v></c></row></sheetData></worksheet>`,
			[]Rows{{1, 1}},
		},
		"no cells": {`<worksheet><sheetData/><a/></worksheet>`, `<worksheet><sheetData/><a/></worksheet>`, []Rows{{0, 5}}},
		"nothing":  {`<worksheet><sheetData><row r="1"><c r="A1"/></row></sheetData><drawing/></worksheet>`, emptySheet, nil},
	} {
		const sheet, rels = "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels"
		parts, err := copiedParts(t, ziptest.Pack(t, with(ooxml(mainType), sheet, c.sheet, rels, "<Relationships/>", "xl/worksheets/sheet2.xml", "<other/>")), map[string][]Rows{sheet: c.rows})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := parts[sheet]; got != c.want {
			t.Errorf("%s:\n%.500s\nwant\n%.500s", name, got, c.want)
		}
		if _, there := parts[rels]; there != (len(c.rows) > 0) || parts["xl/worksheets/sheet2.xml"] != "<other/>" {
			t.Errorf("%s: beside it %v", name, parts)
		}
	}
}

// TestCopyRowsOfBad: what cannot be told apart, or is not what the package says of it, is refused as what it is.
func TestCopyRowsOfBad(t *testing.T) {
	for name, sheet := range map[string]string{
		"no sheet":           `<html>`,
		"ends early":         `<worksheet><sheetData><row r="1">`,
		"a row in a row":     `<worksheet><sheetData><row r="1"><row r="2"/></row></sheetData></worksheet>`,
		"a cell in no row":   `<worksheet><sheetData><c r="A1"/></sheetData></worksheet>`,
		"a cell without end": `<worksheet><sheetData><row r="1"><c r="A1"><v>` + strings.Repeat("1", 17<<20),
	} {
		var refused *Error
		if _, err := copiedParts(t, ziptest.Pack(t, with(ooxml(mainType), "xl/worksheets/sheet1.xml", sheet)), map[string][]Rows{"xl/worksheets/sheet1.xml": {{1, 2}}}); !errors.As(err, &refused) || refused.Reason != Damaged {
			t.Errorf("%s: %v", name, err)
		}
	}
	const sheet = "xl/worksheets/sheet1.xml"
	text := []byte(`<worksheet><sheetData><row r="1"><c r="A1"/></row></sheetData></worksheet>`)
	for name, h := range map[string]zip.FileHeader{
		"sum":         {CRC32: 7, UncompressedSize64: uint64(len(text))},
		"size, less":  {CRC32: crc32.ChecksumIEEE(text), UncompressedSize64: uint64(len(text) - 1)},
		"size, more":  {CRC32: crc32.ChecksumIEEE(text), UncompressedSize64: uint64(len(text) + 1)},
		"packed size": {CRC32: crc32.ChecksumIEEE(text), UncompressedSize64: uint64(len(text)), CompressedSize64: 5},
	} {
		packed := deflated(t, text)
		h.Name, h.Method, h.CompressedSize64 = sheet, zip.Deflate, cmp.Or(h.CompressedSize64, uint64(len(packed)))
		var refused *Error
		if _, err := copiedParts(t, raw(t, without(ooxml(mainType), sheet), h, packed), map[string][]Rows{sheet: {{0, 2}}}); !errors.As(err, &refused) || refused.Reason != Damaged {
			t.Errorf("another %s than it says: %v", name, err)
		}
	}
}

// TestSparklines: what LibreOffice ends at is left out of sparklines, and nothing else, wherever the windows of reading end.
func TestSparklines(t *testing.T) {
	const sheet, start = "xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c r="A1"/></row></sheetData><extLst><ext>`
	group := func(inside string) string {
		return `<x14:sparklineGroups xmlns:xm="m"><x14:sparklineGroup dateAxis="1"><x14:colorAxis rgb="1"/>` + inside + `</x14:sparklineGroup></x14:sparklineGroups></ext></extLst></worksheet>`
	}
	lines := func(of ...string) string {
		all := ""
		for _, f := range of {
			all += `<x14:sparkline><xm:f>` + f + `</xm:f><xm:sqref>B1</xm:sqref></x14:sparkline>`
		}
		return `<x14:sparklines>` + all + `</x14:sparklines>`
	}
	for name, c := range map[string]struct{ in, want string }{
		"good":               {group(lines("One!A1:B2", "'it''s &amp; TWO'!A1", "A1:B2", "")), ""},
		"dates":              {group("<xm:f>One!A1:B1</xm:f>" + lines("One!A1:B2")), group(lines("One!A1:B2"))},
		"a sheet elsewhere":  {group(lines("One!A1:B2", " Three!A1", "'One:It''s &amp; two'!A1", "'open!A1", "#REF!")), group(lines("One!A1:B2", "", "", "", ""))},
		"no group":           {`</ext></extLst><f>Three!A1</f></worksheet>`, ""},
		"behind much":        {strings.Repeat("<a/>", 200_000) + group("<xm:f>One!A1:B1</xm:f>"+lines("One!A1")), strings.Repeat("<a/>", 200_000) + group(lines("One!A1"))},
		"a start in a start": {"<a b='" + strings.Repeat("sparklineGroup ", 40_000) + "'/>" + group("<xm:f>One!A1:B1</xm:f>"), "<a b='" + strings.Repeat("sparklineGroup ", 40_000) + "'/>" + group("")},
	} {
		want := start + cmp.Or(c.want, c.in)
		content := ziptest.Pack(t, with(ooxml(mainType), "xl/workbook.xml", `<workbook><sheets><sheet name="One"/><sheet name="It's &amp; two"/></sheets></workbook>`, sheet, start+c.in))
		for rows, only := range map[string]map[string][]Rows{"all": nil, "one": {sheet: {{0, 0}}}} {
			parts, err := copiedParts(t, content, only)
			if err != nil {
				t.Errorf("%s, %s rows: %v", name, rows, err)
			} else if got := parts[sheet]; got != want {
				t.Errorf("%s, %s rows:\n%.700s\nwant\n%.700s", name, rows, got, want)
			}
		}
	}
}
