package intake

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/ziptest"
)

const (
	mainType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
	relsType = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

// ooxml are the parts of a package whose main part has that content type.
func ooxml(contentType string) map[string]string {
	return map[string]string{
		"[Content_Types].xml":      `<Types><Default Extension="rels" ContentType="x"/><Override PartName="/xl/workbook.xml" ContentType="` + contentType + `"/></Types>`,
		"_rels/.rels":              `<Relationships><Relationship Id="rId1" Type="` + relsType + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":          `<workbook/>`,
		"xl/worksheets/sheet1.xml": `<worksheet/>`,
	}
}

func with(parts map[string]string, more ...string) map[string]string {
	parts = maps.Clone(parts)
	for i := 0; i < len(more); i += 2 {
		parts[more[i]] = more[i+1]
	}
	return parts
}

func without(parts map[string]string, name string) map[string]string {
	parts = maps.Clone(parts)
	delete(parts, name)
	return parts
}

// add writes parts, in the order of their names.
func add(t testing.TB, z *zip.Writer, parts map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[name]); err != nil {
			t.Fatal(err)
		}
	}
}

// raw makes a package of one more entry whose header says what it likes.
func raw(t testing.TB, parts map[string]string, h zip.FileHeader, packed []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add(t, z, parts)
	w, err := z.CreateRaw(&h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deflated(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compound is what a compound file with these names in its directory looks like from afar,
// with records in its second sector.
func compound(records []byte, names ...string) []byte {
	b := make([]byte, 512)
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	b = append(b, records...)
	b = append(b, make([]byte, 1024-len(b)%512)...)
	for _, name := range names {
		for _, c := range name + "\x00" {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
	}
	return b
}

func file(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "book.xlsx")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	plain := ooxml(mainType)
	ods := map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "META-INF/manifest.xml": "<manifest/>", "content.xml": "<content/>"}
	zeros := make([]byte, 4<<20)
	limits := Limits{RatioFree: 1 << 20}
	bof := []byte{0x09, 0x08, 8, 0, 0, 6, 5, 0, 0, 0, 0, 0}
	pass := append(slices.Clone(bof), 0x2f, 0, 2, 0, 0, 0)
	for _, test := range []struct {
		name    string
		content []byte
		format  Format
		reason  Reason
	}{
		{"xlsx", ziptest.Pack(t, plain), XLSX, ""},
		{"xlsm", ziptest.Pack(t, ooxml("application/vnd.ms-excel.sheet.macroEnabled.main+xml")), XLSX, ""},
		{"xlsb", ziptest.Pack(t, ooxml("application/vnd.ms-excel.sheet.binary.macroEnabled.main")), XLSB, ""},
		{"ods", ziptest.Pack(t, ods), ODS, ""},
		{"xls", compound(bof, "Root Entry", "Workbook"), XLS, ""},

		{"empty", nil, "", NotWorkbook},
		{"text", []byte("Name,Amount\n"), "", NotWorkbook},
		{"short", []byte("PK"), "", NotWorkbook},
		{"truncated", ziptest.Pack(t, plain)[:200], "", Damaged},
		{"docx", ziptest.Pack(t, ooxml("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml")), "", NotWorkbook},
		{"zip", ziptest.Pack(t, map[string]string{"a.txt": "a"}), "", NotWorkbook},
		{"odt", ziptest.Pack(t, with(ods, "mimetype", "application/vnd.oasis.opendocument.text")), "", NotWorkbook},
		{"both", ziptest.Pack(t, with(plain, "content.xml", "<a/>")), "", NotWorkbook},
		{"both by the manifest", ziptest.Pack(t, with(plain, "META-INF/MANIFEST.xml", "<a/>")), "", NotWorkbook},
		{"no workbook part", ziptest.Pack(t, without(plain, "xl/workbook.xml")), "", Damaged},
		{"no relationships", ziptest.Pack(t, without(plain, "_rels/.rels")), "", Damaged},
		{"document type", ziptest.Pack(t, with(plain, "_rels/.rels", `<!DOCTYPE a [<!ENTITY b "c">]>`+plain["_rels/.rels"])), "", Damaged},
		{"two of a name", ziptest.Pack(t, with(plain, "XL/Workbook.xml", "<workbook/>")), "", Damaged},
		{"up and out", ziptest.Pack(t, with(plain, "xl/../../a", "")), "", Damaged},

		{"encrypted xlsx", compound(nil, "Root Entry", "EncryptionInfo", "EncryptedPackage"), "", Encrypted},
		{"encrypted xls", compound(pass, "Root Entry", "Workbook"), "", Encrypted},
		{"doc", compound(nil, "Root Entry", "WordDocument"), "", NotWorkbook},
		{"encrypted ods", ziptest.Pack(t, with(ods, "META-INF/manifest.xml", `<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>`)), "", Encrypted},
		{"encrypted entry", raw(t, plain, zip.FileHeader{Name: "a", Flags: 1}, nil), "", Encrypted},

		{"bomb", raw(t, plain, zip.FileHeader{Name: "xl/a.xml", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(zeros), CompressedSize64: uint64(len(deflated(t, zeros))), UncompressedSize64: uint64(len(zeros))}, deflated(t, zeros)), "", TooLarge},
		{"bomb that says that it is small", raw(t, plain, zip.FileHeader{Name: "xl/a.xml", Method: zip.Deflate, CompressedSize64: uint64(len(deflated(t, zeros))), UncompressedSize64: 100}, deflated(t, zeros)), "", Damaged},
		{"entry that says that it is huge", raw(t, plain, zip.FileHeader{Name: "xl/a.xml", Method: zip.Deflate, CompressedSize64: 2, UncompressedSize64: 1 << 62}, []byte{3, 0}), "", TooLarge},
		{"packed larger than the file", raw(t, plain, zip.FileHeader{Name: "xl/a.xml", Method: zip.Store, CompressedSize64: 1 << 20, UncompressedSize64: 1 << 20}, []byte{3, 0}), "", Damaged},
		{"unknown method", raw(t, plain, zip.FileHeader{Name: "a", Method: 93}, nil), "", Damaged},
		{"wrong checksum", raw(t, plain, zip.FileHeader{Name: "a", Method: zip.Store, CRC32: 7, CompressedSize64: 1, UncompressedSize64: 1}, []byte("a")), "", Damaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := file(t, test.content)
			got, err := limits.Check(path)
			var refused *Error
			if errors.As(err, &refused); got != test.format && test.reason == "" || test.reason != "" && (refused == nil || refused.Reason != test.reason) || test.reason == "" && err != nil {
				t.Errorf("got %q, %v; want %q, %q", got, err, test.format, test.reason)
			}
			copied := filepath.Join(t.TempDir(), "copy")
			got, err = limits.Copy(copied, path)
			if refused = nil; errors.As(err, &refused) != (test.reason != "") || test.reason != "" && refused.Reason != test.reason || got != test.format {
				t.Errorf("the copy: %q, %v", got, err)
			}
			if _, stat := os.Stat(copied); (stat == nil) != (err == nil) {
				t.Errorf("the copy failed with %v, and the file: %v", err, stat)
			}
			if err == nil {
				if again, err := limits.Check(copied, test.format); err != nil || again != test.format {
					t.Errorf("the copy is %q, %v", again, err)
				}
			}
			// As an .xlsx, a good file of another format is refused too.
			_, err = limits.Check(path, XLSX)
			if refused = nil; test.reason == "" && test.format != XLSX && (!errors.As(err, &refused) || refused.Reason != OtherFormat || refused.Format != test.format) || test.format == XLSX && err != nil {
				t.Errorf("as an .xlsx: %v", err)
			}
		})
	}
	if err := Check(file(t, ziptest.Pack(t, plain))); err != nil {
		t.Error(err)
	}
	if err := Check(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := (Limits{FileBytes: 100}).Check(file(t, ziptest.Pack(t, plain))); err == nil {
		t.Error("a file larger than the limit passes")
	}
	if _, err := (Limits{Entries: 3}).Check(file(t, ziptest.Pack(t, plain))); err == nil {
		t.Error("a package with more entries than the limit passes")
	}
}

// What leads out of a package is not in the copy; all else is.
func TestCopyCleans(t *testing.T) {
	rel := func(id, kind, target, mode string) string {
		return `<Relationship Id="` + id + `" Type="` + relsType + kind + `" Target="` + target + `"` + mode + `/>`
	}
	const external = ` TargetMode="External"`
	parts := with(ooxml(mainType),
		"xl/drawings/_rels/drawing1.xml.rels", "<Relationships>"+rel("r1", "image", "../media/a.png", "")+rel("r2", "image", "http://evil/a.png", external)+
			rel("r3", "hyperlink", "http://evil/b.png", external)+rel("r4", "image", "file:///etc/passwd", "")+rel("r5", "image", "//evil/c.png", "")+rel("r7", "image", `\\evil\share\e.png`, "")+rel("r8", "image", "smb://evil/f.png", "")+
			`<Relationship Id="r6" TargetMode='external' Type="x/image" Target="a.png"></Relationship></Relationships>`,
		"xl/worksheets/_rels/sheet1.xml.rels", "<Relationships>"+rel("r1", "hyperlink", "https://example.com/", external)+rel("r2", "image", "http://evil/d.png", external)+"</Relationships>",
		"xl/externalLinks/_rels/externalLink1.xml.rels", "<Relationships>"+rel("r1", "externalLinkPath", "other.xlsx", external)+rel("r2", "oleObject", "file:///evil", external)+"</Relationships>",
		"xl/charts/_rels/chart1.xml.RELS", "<Relationships>"+rel("r9", "image", "http://evil/g.png", external)+"</Relationships>",
		"xl/media/a.png", "picture",
	)
	copied := Limits.Copy
	check := func(t *testing.T, content []byte, gone, stays []string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "copy")
		if _, err := copied(Limits{}, out, file(t, content)); err != nil {
			t.Fatal(err)
		}
		z, err := zip.OpenReader(out)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		all := ""
		for _, e := range z.File {
			text, err := readEntry(e, smallMax)
			if err != nil {
				t.Fatal(err)
			}
			all += e.Name + "\n" + string(text) + "\n"
		}
		for _, s := range gone {
			if strings.Contains(all, s) {
				t.Errorf("%q is in the copy:\n%s", s, all)
			}
		}
		for _, s := range stays {
			if !strings.Contains(all, s) {
				t.Errorf("%q is not in the copy:\n%s", s, all)
			}
		}
	}
	check(t, ziptest.Pack(t, parts), []string{"evil", "passwd", "r6", "r7", "r8", "r9"}, []string{"../media/a.png", "https://example.com/", "other.xlsx", "xl/media/a.png\npicture"})

	check(t, ziptest.Pack(t, map[string]string{
		"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "META-INF/manifest.xml": "<manifest/>",
		"content.xml": `<o:d><draw:image xlink:href="Pictures/a.png"/><draw:image xlink:title=" xlink:href=" xlink:href='http://evil/'/>` +
			`<text:a xlink:href="https://example.com/">a</text:a><draw:image y:href = "file:///etc/passwd"></draw:image><draw:image xlink:href="../../etc/shadow"/>` +
			`<draw:image xlink:href="../beside.png"/><draw:image xlink:href="Pictures/../../above.png"/><draw:image xlink:href="%2e%2e/hidden.png"/><draw:image xlink:href="%2Fetc/hosts"/></o:d>`,
		"Object 1/styles.xml": `<a:b xlink:href="/etc/group"/>`, "settings.xml": `<a:b xlink:href="sftp://x/set"/>`, "meta.xml": `<a:b xlink:href="vnd.sun.star.script:met"/>`,
	}), []string{"evil", "passwd", "shadow", "group", "beside", "above", "hidden", "hosts", "sftp", "vnd.sun"}, []string{`"Pictures/a.png"`, `"https://example.com/"`, `xlink:title=" xlink:href="`})

	copied = Limits.CopyCells
	check(t, ziptest.Pack(t, with(parts,
		"xl/worksheets/_rels/sheet2.xml.rels", "<Relationships>"+rel("r1", "drawing", "../drawings/upon1.xml", "")+rel("r2", "table", "../tables/table1.xml", "")+rel("r3", "pivotTable", "../pivotTables/p1.xml", "")+rel("r4", "comments", "../upon2.xml", "")+"</Relationships>",
		"xl/chartsheets/_rels/sheet1.xml.rels", "<Relationships>"+rel("r1", "drawing", "../drawings/upon3.xml", "")+"</Relationships>",
		"xl/_rels/workbook.xml.rels", "<Relationships>"+rel("r1", "theme", "theme/upon4.xml", "")+rel("r2", "styles", "styles.xml", "")+rel("r3", "calcChain", "upon5.xml", "")+rel("r4", "worksheet", "worksheets/sheet1.xml", "")+"</Relationships>",
	)), []string{"evil", "passwd", "upon", "https://example.com/"}, []string{"other.xlsx", "tables/table1.xml", "pivotTables/p1.xml", `"styles.xml"`, "worksheets/sheet1.xml"})
}

// Whatever the bytes are, the check ends, without a panic, and the copy of what passes passes.
func FuzzCopy(f *testing.F) {
	f.Add(ziptest.Pack(f, ooxml(mainType)))
	f.Add(ziptest.Pack(f, with(ooxml(mainType), "xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="2"><c r="A2"/></row><row ht="3"><c/></row></sheetData></worksheet>`, "xl/worksheets/sheet2.xml", "<a/>")))
	f.Add(ziptest.Pack(f, with(ooxml(mainType), "xl/worksheets/sheet1.xml", `<worksheet><sheetData/><sparklineGroups><sparklineGroup><f>A1</f><sparklines><sparkline><f>B!A1</f></sparkline></sparklines></sparklineGroup></sparklineGroups></worksheet>`)))
	f.Add(ziptest.Pack(f, with(ooxml(mainType), "xl/drawings/_rels/a.rels", `<a><Relationship Id="a" Target="http://b" TargetMode="External"/></a>`)))
	f.Add(ziptest.Pack(f, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": `<a x:href="http://b"/>`}))
	f.Add(compound([]byte{0x09, 0x08, 8, 0, 0, 6, 5, 0, 0, 0, 0, 0}, "Workbook"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		if err := os.WriteFile(in, content, 0o600); err != nil {
			t.Fatal(err)
		}
		limits := Limits{UnpackedBytes: 1 << 20, EntryBytes: 1 << 20}
		rows := filepath.Join(dir, "rows")
		if _, err := limits.CopyRows(rows, in, map[string][]Rows{"xl/worksheets/sheet1.xml": {{1, 1}, {3, 5}}, "xl/worksheets/sheet2.xml": nil}); err == nil {
			if _, err := limits.Check(rows, XLSX); err != nil {
				t.Errorf("the copy with some rows: %v", err)
			}
			os.Remove(rows)
		} else if !errors.As(err, new(*Error)) {
			t.Fatalf("an error of no type, of some rows: %v", err)
		}
		format, err := limits.Copy(out, in)
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Fatalf("an error of no type: %v", err)
			}
			return
		}
		defer os.Remove(out)
		if again, err := limits.Check(out, format); err != nil || again != format {
			t.Fatalf("the copy: %q, %v", again, err)
		}
	})
}
