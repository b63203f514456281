package xlsx

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// entry is one entry of a zip file to be made, with what may be wrong about it.
type entry struct {
	name string
	data string

	stored     bool
	descriptor bool   // sizes follow the data
	zip64      bool   // sizes stand in extra fields
	localName  string // in the local header, where it is another
	method     uint16 // in both headers, where it is another
	flags      uint16 // more of them
	size       int    // uncompressed size that the headers claim, where it is another
	crc        uint32 // added to the checksum
	alias      bool   // only a directory entry: its local header is that of the entry before
}

// archive is a zip file to be made.
type archive struct {
	prefix   string // bytes before it, which no offset counts
	comment  string
	entries  []entry
	claims   int // number of entries that the end record claims, where it is another
	endZip64 bool
}

// bytes makes the zip file.
func (a archive) bytes() []byte {
	var b, dir []byte
	le := binary.LittleEndian
	at := 0
	for _, e := range a.entries {
		data, method := []byte(e.data), uint16(methodStored)
		if !e.stored {
			data, method = deflate(e.data), methodDeflated
		}
		if e.method != 0 {
			method = e.method
		}
		size := len(e.data)
		if e.size != 0 {
			size = e.size
		}
		crc := crc32.ChecksumIEEE([]byte(e.data)) + e.crc
		flags := e.flags
		if e.descriptor {
			flags |= flagDescriptor
		}
		head := func(signature string, isLocal bool) []byte {
			h := []byte(signature)
			if !isLocal {
				h = le.AppendUint16(h, 45)
			}
			h = le.AppendUint16(h, 45)
			h = le.AppendUint16(h, flags)
			h = le.AppendUint16(h, method)
			h = le.AppendUint32(h, 0)
			switch {
			case isLocal && e.descriptor:
				return append(h, make([]byte, 12)...)
			case e.zip64:
				h = le.AppendUint32(h, crc)
				return append(h, "\xff\xff\xff\xff\xff\xff\xff\xff"...)
			}
			h = le.AppendUint32(h, crc)
			h = le.AppendUint32(h, uint32(len(data)))
			return le.AppendUint32(h, uint32(size))
		}
		var extra []byte
		if e.zip64 {
			extra = append(extra, "\x99\x99\x02\x00??\x01\x00\x10\x00"...)
			extra = le.AppendUint64(extra, uint64(size))
			extra = le.AppendUint64(extra, uint64(len(data)))
		}
		if !e.alias {
			at = len(b)
			name := e.name
			if e.localName != "" {
				name = e.localName
			}
			b = append(b, head(localSignature, true)...)
			b = le.AppendUint16(b, uint16(len(name)))
			b = le.AppendUint16(b, uint16(len(extra)))
			b = append(b, name...)
			b = append(b, extra...)
			b = append(b, data...)
			if e.descriptor {
				b = append(b, "PK\x07\x08"...)
				b = le.AppendUint32(b, crc)
				b = le.AppendUint32(b, uint32(len(data)))
				b = le.AppendUint32(b, uint32(size))
			}
		}
		dir = append(dir, head(entrySignature, false)...)
		dir = le.AppendUint16(dir, uint16(len(e.name)))
		dir = le.AppendUint16(dir, uint16(len(extra)))
		dir = append(dir, make([]byte, 10)...)
		dir = le.AppendUint32(dir, uint32(at))
		dir = append(dir, e.name...)
		dir = append(dir, extra...)
	}
	count := len(a.entries)
	if a.claims != 0 {
		count = a.claims
	}
	dirAt := len(b)
	b = append(b, dir...)
	if a.endZip64 {
		end := len(b)
		b = append(b, end64Signature...)
		b = le.AppendUint64(b, end64Bytes-12)
		b = append(b, make([]byte, 12)...)
		b = le.AppendUint64(b, uint64(count))
		b = le.AppendUint64(b, uint64(count))
		b = le.AppendUint64(b, uint64(len(dir)))
		b = le.AppendUint64(b, uint64(dirAt))
		b = append(b, locator64Signature...)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(end))
		b = le.AppendUint32(b, 1)
		count, dir, dirAt = 0xFFFF, nil, 0xFFFFFFFF
	}
	b = append(b, endSignature...)
	b = append(b, 0, 0, 0, 0)
	b = le.AppendUint16(b, uint16(count))
	b = le.AppendUint16(b, uint16(count))
	b = le.AppendUint32(b, uint32(len(dir)))
	b = le.AppendUint32(b, uint32(dirAt))
	b = le.AppendUint16(b, uint16(len(a.comment)))
	b = append(b, a.comment...)
	return append([]byte(a.prefix), b...)
}

func deflate(s string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write([]byte(s)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

const (
	relBase  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	mainNS   = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	relsOpen = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
)

// rel writes a relationship.
func rel(id, kind, target string) string {
	return `<Relationship Id="` + id + `" Type="` + relBase + kind + `" Target="` + target + `"/>`
}

// smallBook gives the parts of a workbook that has a little of everything.
func smallBook() map[string]string {
	return map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>`,
		"_rels/.rels":      relsOpen + rel("rId1", "officeDocument", "xl/workbook.xml") + rel("rId2", "extended-properties", "docProps/app.xml") + `</Relationships>`,
		"docProps/app.xml": `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Test &amp; Co</Application><AppVersion>1.5</AppVersion></Properties>`,
		"xl/workbook.xml": `<?xml version="1.0" encoding="UTF-8"?><workbook ` + mainNS + `><workbookPr date1904="1"/><bookViews><workbookView activeTab="1"/></bookViews>` +
			`<sheets><sheet name="A &amp; B" sheetId="7" r:id="rId1"/><sheet name="Deep" sheetId="9" state="veryHidden" r:id="rId2"/><sheet name="Chart" sheetId="3" state="hidden" r:id="rId3"/><sheet name="Gone" sheetId="4" r:id="rId99"/></sheets>` +
			`<externalReferences><externalReference r:id="rId4"/></externalReferences>` +
			`<definedNames><definedName name="Rate">0.5</definedName><definedName name="_xlnm.Print_Area" localSheetId="0" hidden="1" comment="c">'A &amp; B'!$A$1:$B$2</definedName><definedName name="Far" localSheetId="44">1</definedName></definedNames>` +
			`<calcPr calcMode="manual" fullCalcOnLoad="1" iterate="1" iterateCount="7" iterateDelta="0.5"/></workbook>`,
		"xl/_rels/workbook.xml.rels": relsOpen + rel("rId1", "worksheet", "/xl/worksheets/Sheet1.xml") + rel("rId2", "worksheet", "worksheets/sheet2.xml") + rel("rId3", "chartsheet", "chartsheets/sheet1.xml") +
			rel("rId4", "externalLink", "externalLinks/externalLink1.xml") + rel("rId5", "styles", "styles.xml") + rel("rId6", "theme", "theme/theme1.xml") + rel("rId7", "vbaProject", "vbaProject.bin") +
			rel("rId8", "sharedStrings", "sharedStrings.xml") + rel("rId9", "person", "persons/person.xml") + `</Relationships>`,
		"xl/externalLinks/externalLink1.xml":            `<externalLink ` + mainNS + `/>`,
		"xl/externalLinks/_rels/externalLink1.xml.rels": relsOpen + `<Relationship Id="rId1" Type="` + relBase + `externalLinkPath" Target="other%20book.xlsx" TargetMode="External"/></Relationships>`,
		"xl/worksheets/sheet1.xml": `<worksheet ` + mainNS + `><dimension ref="A1:B2"/><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>1.5</v></c></row><row r="2"><c r="B2"><f>B1*2</f><v>3</v></c></row></sheetData>` +
			`<mergeCells count="1"><mergeCell ref="A3:B3"/></mergeCells><legacyDrawing r:id="rId9"/><tableParts count="1"><tablePart r:id="rId1"/></tableParts></worksheet>`,
		"xl/worksheets/_rels/sheet1.xml.rels": relsOpen + rel("rId1", "table", "../tables/table1.xml") + rel("rId2", "comments", "../comments1.xml") + rel("rId3", "threadedComment", "../threadedComments/t1.xml") +
			rel("rId4", "drawing", "../drawings/drawing1.xml") + `</Relationships>`,
		"xl/drawings/drawing1.xml":            `<wsDr/>`,
		"xl/drawings/_rels/drawing1.xml.rels": relsOpen + rel("rId1", "chart", "../charts/chart1.xml") + rel("rId2", "image", "../media/image1.png") + rel("rId3", "image", "../media/image1.png") + `</Relationships>`,
		"xl/charts/chart1.xml":                `<chartSpace/>`,
		"xl/media/image1.png":                 "png",
		"xl/comments1.xml":                    `<comments ` + mainNS + `><authors><author>Ann</author></authors><commentList><comment ref="A1" authorId="0"><text><t>note</t></text></comment></commentList></comments>`,
		"xl/threadedComments/t1.xml":          `<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"><threadedComment ref="B1" personId="{P}" id="{1}"><text>thread</text></threadedComment></ThreadedComments>`,
		"xl/persons/person.xml":               `<personList xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"><person displayName="Bea" id="{P}"/></personList>`,
		"xl/tables/table1.xml": `<table ` + mainNS + ` id="3" name="T1" displayName="Sales" ref="A1:B3" totalsRowCount="1"><autoFilter ref="A1:B2"/><tableColumns count="2"><tableColumn id="1" name="a_x000a_b" totalsRowLabel="Sum"/>` +
			`<tableColumn id="2" name="n" totalsRowFunction="custom"><calculatedColumnFormula>A1&amp;1</calculatedColumnFormula><totalsRowFormula>MAX(n)</totalsRowFormula></tableColumn></tableColumns><tableStyleInfo name="Medium2"/></table>`,
		"xl/worksheets/sheet2.xml":  `<worksheet ` + mainNS + `><sheetData/></worksheet>`,
		"xl/chartsheets/sheet1.xml": `<chartsheet ` + mainNS + `/>`,
		"xl/vbaProject.bin":         "vba",
		"xl/sharedStrings.xml":      `<sst ` + mainNS + ` count="1" uniqueCount="1"><si><t>x</t></si></sst>`,
		"xl/styles.xml":             `<styleSheet ` + mainNS + `><fonts><font/></fonts><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/theme/theme1.xml":       `<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Office"/>`,
	}
}

// pack makes the archive of a workbook's parts, some of which are replaced; one that is
// replaced by nothing is left out.
func pack(parts map[string]string, replaced ...string) archive {
	for i := 0; i+1 < len(replaced); i += 2 {
		parts[replaced[i]] = replaced[i+1]
		if replaced[i+1] == "" {
			delete(parts, replaced[i])
		}
	}
	var a archive
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		a.entries = append(a.entries, entry{name: name, data: parts[name]})
	}
	return a
}

// readEverything opens a workbook and reads all there is.
func readEverything(b []byte, limits Limits) (*File, error) {
	ctx := context.Background()
	f, err := Open(ctx, bytes.NewReader(b), int64(len(b)), limits)
	if err != nil {
		return nil, err
	}
	if _, err := f.Tables(ctx); err != nil {
		return f, err
	}
	for i, s := range f.Workbook().Sheets {
		if s.Problem != "" {
			continue
		}
		if _, err := f.Sheet(ctx, i, cell.MaxRows-1); err != nil {
			return f, err
		}
	}
	return f, nil
}

// open is readEverything for a workbook that is as it must be.
func open(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := readEverything(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// repeat is strings.Repeat in the middle of a text.
func repeat(before, s string, n int, after string) string {
	return before + strings.Repeat(s, n) + after
}
