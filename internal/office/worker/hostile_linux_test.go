package worker_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/office/intake"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
	"gridflow/internal/vba/vbatest"
)

// pack makes a package of parts; the media type of OpenDocument comes first and unpacked.
func pack(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := slices.Sorted(maps.Keys(parts))
	if i := slices.Index(names, "mimetype"); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "mimetype")
	}
	for _, name := range names {
		text := []byte(parts[name])
		var w io.Writer
		var err error
		if name == "mimetype" { // with its size before it, or LibreOffice 25.2 does not take it
			w, err = z.CreateRaw(&zip.FileHeader{Name: name, CRC32: crc32.ChecksumIEEE(text), CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
		} else {
			w, err = z.Create(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	office2006 = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	sheet2006  = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
)

// A package of one sheet: what is in it, and what it and the workbook are related to.
type sheetBook struct {
	kind     string // of the workbook part, "sheet" or "macro"
	cells    string // rows
	behind   string // elements after the rows
	rels     string // of the sheet
	bookRels string
	books    string // elements of the workbook after its sheets
	types    string // of more parts
	parts    map[string]string
}

func relation(id, kind, target, mode string) string {
	return fmt.Sprintf(`<Relationship Id="%s" Type="%s/%s" Target="%s" %s/>`, id, office2006, kind, target, mode)
}

func (s sheetBook) bytes(t testing.TB) []byte {
	main := "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
	if s.kind == "macro" {
		main = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
	}
	const relationships = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	parts := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Override PartName="/xl/workbook.xml" ContentType="` + main + `"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` + s.types + `</Types>`,
		"_rels/.rels":                         relationships + relation("rId1", "officeDocument", "xl/workbook.xml", "") + `</Relationships>`,
		"xl/workbook.xml":                     `<workbook xmlns="` + sheet2006 + `" xmlns:r="` + office2006 + `"><workbookPr codeName="ThisWorkbook"/><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>` + s.books + `</workbook>`,
		"xl/_rels/workbook.xml.rels":          relationships + relation("rId1", "worksheet", "worksheets/sheet1.xml", "") + s.bookRels + `</Relationships>`,
		"xl/worksheets/sheet1.xml":            `<worksheet xmlns="` + sheet2006 + `" xmlns:r="` + office2006 + `"><sheetData>` + s.cells + `</sheetData>` + s.behind + `</worksheet>`,
		"xl/worksheets/_rels/sheet1.xml.rels": relationships + s.rels + `</Relationships>`,
	}
	for name, text := range s.parts {
		if strings.HasSuffix(name, ".rels") {
			text = relationships + text + `</Relationships>`
		}
		parts[name] = text
	}
	return pack(t, parts)
}

// linkedPicture is a sheet with a picture from elsewhere.
func linkedPicture(t testing.TB, target string) []byte {
	return sheetBook{
		cells: `<row r="1"><c r="A1"><v>1</v></c></row>`, behind: `<drawing r:id="rId1"/>`,
		rels:  relation("rId1", "drawing", "../drawings/drawing1.xml", ""),
		types: `<Override PartName="/xl/drawings/drawing1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawing+xml"/>`,
		parts: map[string]string{
			"xl/drawings/_rels/drawing1.xml.rels": relation("rId1", "image", target, `TargetMode="External"`),
			"xl/drawings/drawing1.xml": `<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="` + office2006 + `"><xdr:twoCellAnchor>` +
				`<xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>6</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>12</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>` +
				`<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="2" name="P"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip r:link="rId1"/><a:stretch><a:fillRect/></a:stretch></xdr:blipFill>` +
				`<xdr:spPr><a:xfrm><a:off x="600000" y="200000"/><a:ext cx="3000000" cy="2000000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:pic><xdr:clientData/></xdr:twoCellAnchor></xdr:wsDr>`,
		},
	}.bytes(t)
}

// openDocument is a spreadsheet with a picture from elsewhere, and a macro that writes a file when
// it is loaded and when it is calculated.
func openDocument(t testing.TB, picture, marker string) []byte {
	const ns = `xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" ` +
		`xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0" ` +
		`xmlns:dom="http://www.w3.org/2001/xml-events" xmlns:ooo="http://openoffice.org/2004/office" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.2"`
	entries := []string{"content.xml", "Basic/script-lc.xml", "Basic/Standard/script-lb.xml", "Basic/Standard/Module1.xml"}
	manifest := `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:version="1.2" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>`
	for _, e := range entries {
		manifest += `<manifest:file-entry manifest:full-path="` + e + `" manifest:media-type="text/xml"/>`
	}
	return pack(t, map[string]string{
		"mimetype":              "application/vnd.oasis.opendocument.spreadsheet",
		"META-INF/manifest.xml": manifest + `</manifest:manifest>`,
		"content.xml": `<?xml version="1.0" encoding="UTF-8"?><office:document-content ` + ns + `><office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load" ` +
			`xlink:href="vnd.sun.star.script:Standard.Module1.Evil?language=Basic&amp;location=document" xlink:type="simple"/></office:event-listeners></office:scripts><office:body><office:spreadsheet><table:table table:name="Sheet1">` +
			`<table:shapes><draw:frame svg:x="1cm" svg:y="1cm" svg:width="6cm" svg:height="4cm"><draw:image xlink:href="` + picture + `" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/></draw:frame></table:shapes>` +
			`<table:table-row><table:table-cell table:formula="of:=EVIL()" office:value-type="float" office:value="1"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>`,
		"Basic/script-lc.xml":          `<?xml version="1.0" encoding="UTF-8"?><library:libraries xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" library:link="false"/></library:libraries>`,
		"Basic/Standard/script-lb.xml": `<?xml version="1.0" encoding="UTF-8"?><library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false"><library:element library:name="Module1"/></library:library>`,
		"Basic/Standard/Module1.xml": `<?xml version="1.0" encoding="UTF-8"?><script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">` +
			"Function Evil()\nn = FreeFile\nOpen &quot;" + marker + "&quot; For Output As #n\nPrint #n, &quot;ran&quot;\nClose #n\nEvil = 7\nEnd Function\n</script:module>",
	})
}

// macroBook is a workbook whose VBA writes a file when it is opened and when it is calculated.
func macroBook(t testing.TB, marker string) []byte {
	write := "n = FreeFile\r\nOpen \"" + marker + "\" For Output As #n\r\nPrint #n, \"ran\"\r\nClose #n\r\n"
	project := vbatest.Project{CodePage: 1252, Name: "VBAProject", Modules: []vbatest.Module{
		{Name: "ThisWorkbook", Class: true, Source: "Attribute VB_Name = \"ThisWorkbook\"\r\nPrivate Sub Workbook_Open()\r\n" + write + "End Sub\r\n"},
		{Name: "Module1", Source: "Attribute VB_Name = \"Module1\"\r\nSub Auto_Open()\r\n" + write + "End Sub\r\nFunction EVIL()\r\n" + write + "EVIL = 7\r\nEnd Function\r\n"},
	}, Streams: map[string][]byte{"PROJECT": []byte("ID=\"{00000000-0000-0000-0000-000000000000}\"\r\nDocument=ThisWorkbook/&H00000000\r\nModule=Module1\r\nName=\"VBAProject\"\r\n")}}
	return sheetBook{
		kind: "macro", cells: `<row r="1"><c r="A1"><f>EVIL()</f><v>1</v></c></row>`,
		bookRels: `<Relationship Id="rId9" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/>`,
		parts:    map[string]string{"xl/vbaProject.bin": string(project.Bytes())},
	}.bytes(t)
}

// fetching is a workbook that would fetch in three other ways: by a function, by a formula that
// refers to another workbook, and by a query of a web page.
func fetching(t testing.TB, url string) []byte {
	return sheetBook{
		cells: `<row r="1"><c r="A1" t="str"><f>_xlfn.WEBSERVICE("` + url + `function")</f><v>old</v></c><c r="B1"><f>[1]Sheet1!A1+1</f><v>5</v></c><c r="C1"><v>3</v></c></row>`,
		rels:  relation("rId1", "queryTable", "../queryTables/queryTable1.xml", ""),
		bookRels: relation("rId2", "externalLink", "externalLinks/externalLink1.xml", "") +
			relation("rId3", "connections", "connections.xml", ""),
		books: `<externalReferences><externalReference r:id="rId2"/></externalReferences><definedNames><definedName name="query" localSheetId="0">Sheet1!$C$1</definedName></definedNames>`,
		types: `<Override PartName="/xl/externalLinks/externalLink1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.externalLink+xml"/>` +
			`<Override PartName="/xl/connections.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.connections+xml"/>` +
			`<Override PartName="/xl/queryTables/queryTable1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.queryTable+xml"/>`,
		parts: map[string]string{
			"xl/externalLinks/externalLink1.xml":            `<externalLink xmlns="` + sheet2006 + `"><externalBook xmlns:r="` + office2006 + `" r:id="rId1"><sheetNames><sheetName val="Sheet1"/></sheetNames></externalBook></externalLink>`,
			"xl/externalLinks/_rels/externalLink1.xml.rels": relation("rId1", "externalLinkPath", url+"other.xlsx", `TargetMode="External"`),
			"xl/connections.xml":                            `<connections xmlns="` + sheet2006 + `"><connection id="1" name="query" type="4" refreshedVersion="6" refreshOnLoad="1" saveData="1"><webPr sourceData="1" parsePre="1" consecutive="1" xl2000="1" url="` + url + `query" htmlTables="1"/></connection></connections>`,
			"xl/queryTables/queryTable1.xml":                `<queryTable xmlns="` + sheet2006 + `" name="query" connectionId="1" refreshOnLoad="1" autoFormatId="16" applyNumberFormats="0"/>`,
		},
	}.bytes(t)
}

// magenta is the colour of the pictures that no document may show.
var magenta = color.RGBA{255, 0, 255, 255}

func shows(pixels []byte, c color.RGBA) bool {
	for ; len(pixels) >= 4; pixels = pixels[4:] {
		if [4]byte(pixels) == [4]byte{c.R, c.G, c.B, c.A} {
			return true
		}
	}
	return false
}

// A trap is what hostile documents reach for: a web server, a file, and a file to be written.
type trap struct {
	url     string
	picture string // a file: URL
	marker  string

	mu   sync.Mutex
	hits []string
}

func (tr *trap) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	hits := tr.hits
	tr.hits = nil
	return hits
}

func (tr *trap) note(hit string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.hits = append(tr.hits, hit)
}

func newTrap(t testing.TB) *trap {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	draw.Draw(img, img.Bounds(), image.NewUniform(magenta), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret.png"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	tr := &trap{picture: "file://" + filepath.Join(dir, "secret.png")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tr.note(r.Method + " " + r.URL.Path)
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(b.Bytes())
		}),
		ConnState: func(c net.Conn, s http.ConnState) {
			if s == http.StateNew {
				tr.note("connection")
			}
		},
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	tr.url = "http://" + l.Addr().String() + "/"
	return tr
}

// No document of the hostile set reaches out, by three defences of which each is looked at by
// itself: LibreOffice's settings, the cleaning of the copy, and the confinement of the worker.
func TestHostileReachesNothing(t *testing.T) {
	// What the settings keep LibreOffice 7.4 from: everything, a fetch when a document is loaded but
	// not when it is saved, or nothing. So the settings are never the only defence.
	type settled int
	const (
		always settled = iota
		loads
		never
	)
	tr := newTrap(t)
	if r, err := http.Get(tr.url); err != nil {
		t.Fatalf("the server cannot be reached at all: %v", err)
	} else {
		r.Body.Close()
	}
	if len(tr.take()) == 0 {
		t.Fatal("the server does not see who comes")
	}
	for _, defence := range []struct {
		name     string
		options  func(o *worker.Options)
		cleaned  bool
		settings bool // nothing but the settings
	}{
		{"settings", func(o *worker.Options) { o.Open, o.Network = true, worker.Inherit }, false, true},
		{"cleaned", func(o *worker.Options) { o.Open, o.Network = true, worker.Inherit }, true, false},
		{"confined", nil, false, false},
	} {
		t.Run(defence.name, func(t *testing.T) {
			o := newOffice(t, defence.options)
			if defence.name == "confined" && (o.p.Isolation().Files == "none" || strings.HasPrefix(o.p.Isolation().Network, "none")) {
				t.Skipf("the system does not let a worker be confined: %+v", o.p.Isolation())
			}
			tr.marker = filepath.Join(o.jobs, "marker")
			old := strings.HasPrefix(o.p.Version(), "7.")
			for _, doc := range []struct {
				name     string
				content  []byte
				settings settled
			}{
				{"remote picture", linkedPicture(t, tr.url+"a.png"), loads},
				{"file picture", linkedPicture(t, tr.picture), always},
				{"macros", macroBook(t, tr.marker), always},
				{"fetching", fetching(t, tr.url), always},
				{"OpenDocument, remote picture, macros", openDocument(t, tr.url+"b.png", tr.marker), never},
				{"OpenDocument, file picture", openDocument(t, tr.picture, tr.marker), never},
			} {
				t.Run(doc.name, func(t *testing.T) {
					given := doc.content
					if defence.cleaned {
						raw, clean := filepath.Join(t.TempDir(), "raw"), filepath.Join(t.TempDir(), "clean")
						if err := os.WriteFile(raw, given, 0o600); err != nil {
							t.Fatal(err)
						}
						if _, err := (intake.Limits{}).Copy(clean, raw); err != nil {
							t.Fatal(err)
						}
						var err error
						if given, err = os.ReadFile(clean); err != nil {
							t.Fatal(err)
						}
					}
					_, pixels := o.good(t, given, wire.Request{Op: wire.Paint, Range: wire.Range{LastRow: 25, LastCol: 9}})
					loading, shown := tr.take(), shows(pixels, magenta)
					o.good(t, given, wire.Request{Op: wire.Recalculate})
					o.good(t, given, wire.Request{Op: wire.Convert, Format: "pdf"})
					saving := tr.take()
					settled := always
					if old && defence.settings {
						settled = doc.settings
					}
					if settled == never && len(loading) == 0 && !shown || settled == loads && len(saving) == 0 {
						t.Error("LibreOffice 7.4 did not follow the link, although nothing kept it from it: the document is no test")
					}
					if settled != never && (shown || len(loading) > 0) || settled == always && len(saving) > 0 {
						t.Errorf("it reached out by %q when it was loaded, by %q when it was saved; the picture is shown: %v", loading, saving, shown)
					}
					if _, err := os.Stat(tr.marker); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("a macro has run: %v", err)
					}
				})
			}
		})
	}
}

// The documents of the hostile set are what they are meant to be: LibreOffice with a profile as
// it comes follows their pictures.
func TestHostileIsHostile(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil || testing.Short() {
		t.Skip("soffice is needed, and takes a while")
	}
	if version, err := exec.CommandContext(t.Context(), soffice, "--version").Output(); err != nil || !bytes.Contains(version, []byte("LibreOffice 7.")) {
		t.Skipf("only LibreOffice 7 does that: %s, %v", version, err)
	}
	tr := newTrap(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.xlsx"), linkedPicture(t, tr.url+"a.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+dir+"/profile", "--convert-to", "pdf", "--outdir", dir, filepath.Join(dir, "a.xlsx"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(tr.take()) == 0 {
		t.Error("LibreOffice as it comes does not fetch the picture: the document is no test")
	}
}

// Files that are none: LibreOffice refuses them or makes of them what it can; the worker lives
// and does the next job. The check before it refuses all of them.
func testHostileFiles(t *testing.T, o *office) {
	good := workbook(t, func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "A1", "1+2") })
	random := make([]byte, 20000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	flipped := bytes.Clone(good)
	for range 200 {
		flipped[r.IntN(len(flipped))] ^= byte(1 << r.IntN(8))
	}
	encrypted := vbatest.Compound(map[string][]byte{"EncryptionInfo": random[:300], "EncryptedPackage": random[:6000]})
	for _, test := range []struct {
		name    string
		content []byte
		reason  intake.Reason
		opens   bool // LibreOffice opens it nevertheless
	}{
		{"empty", nil, intake.NotWorkbook, true},
		{"half", good[:len(good)/2], intake.Damaged, false},
		{"most", good[:len(good)*95/100], intake.Damaged, false},
		{"random", random, intake.NotWorkbook, false},
		{"zip and random", append([]byte("PK\x03\x04"), random...), intake.Damaged, false},
		{"flipped bits", flipped, intake.Damaged, false},
		{"encrypted", encrypted, intake.Encrypted, false},
		{"OpenDocument", openDocument(t, "Pictures/none.png", "/none"), intake.OtherFormat, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.xlsx")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			var refused *intake.Error
			if err := intake.Check(path); !errors.As(err, &refused) || refused.Reason != test.reason {
				t.Errorf("the check says %v, want %q", err, test.reason)
			}
			got, _, err := o.do(t, test.content, wire.Request{Op: wire.Recalculate})
			switch {
			case err != nil:
				t.Fatal(err)
			case test.opens != (got.Failure == nil) || !test.opens && got.Failure.Code != wire.NotLoaded:
				t.Errorf("LibreOffice: %+v", got.Failure)
			}
			pid := o.p.PID()
			o.good(t, good, wire.Request{Op: wire.Recalculate})
			if o.p.PID() != pid {
				t.Error("the worker is another")
			}
		})
	}
}

// bomb is a workbook that takes longer to calculate than anybody waits.
func bomb(t testing.TB) []byte {
	return workbook(t, func(f *excelize.File) error {
		for row := 1; row <= 6000; row++ {
			if err := f.SetCellFormula("Sheet1", fmt.Sprintf("A%d", row), fmt.Sprintf("SUMPRODUCT(SIN(ROW($1:$60000)+%d)*COS(ROW($1:$60000)))", row)); err != nil {
				return err
			}
		}
		return nil
	})
}

// A document that calculates without end is ended by the deadline, and nothing is left of the
// worker; the next one has the same folder.
func testProcessorBomb(t *testing.T, o *office) {
	o.ready(t)
	in, dir := o.folder(t, "in.xlsx", bomb(t))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	pid := o.p.PID()
	_, err := o.p.Do(ctx, wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(dir, "out.xlsx")})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the bomb: %v", err)
	}
	left(t, o, pid)
	good := workbook(t, func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "A1", "1+2") })
	o.good(t, good, wire.Request{Op: wire.Recalculate})
}

// left looks for what a worker that is gone could have left.
func left(t *testing.T, o *office, pid int) {
	t.Helper()
	if alive(pid) || len(worker.GroupMembers(pid)) > 0 {
		t.Error("something of the worker is alive")
	}
	if _, err := os.Stat(filepath.Join(o.options.Dir, "tmp")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its scratch folder is there: %v", err)
	}
}

// A worker that is killed from outside in the middle of a job leaves nothing either.
func testKilledInTheMiddle(t *testing.T, o *office) {
	o.ready(t)
	in, dir := o.folder(t, "in.xlsx", bomb(t))
	pid := o.p.PID()
	kill := time.AfterFunc(time.Second, func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	defer kill.Stop()
	_, err := o.p.Do(t.Context(), wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(dir, "out.xlsx")})
	var exit *worker.Exit
	if !errors.As(err, &exit) || exit.Signal != "killed" {
		t.Fatalf("%v", err)
	}
	left(t, o, pid)
	good := workbook(t, func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "A1", "1+2") })
	o.good(t, good, wire.Request{Op: wire.Recalculate})
}

// A document that wants more memory than there may be gets a failure, or ends the worker; it
// does not get the memory.
func TestHostileMemoryBomb(t *testing.T) {
	const limit = 600 << 20
	o := newOffice(t, func(o *worker.Options) { o.DataLimit = limit })
	doubling := workbook(t, func(f *excelize.File) error {
		if err := f.SetCellStr("Sheet1", "A1", strings.Repeat("x", 1000)); err != nil {
			return err
		}
		for row := 2; row <= 60; row++ {
			if err := f.SetCellFormula("Sheet1", fmt.Sprintf("A%d", row), fmt.Sprintf("A%d&A%d", row-1, row-1)); err != nil {
				return err
			}
		}
		return nil
	})
	got, _, err := o.do(t, doubling, wire.Request{Op: wire.Recalculate})
	var exit *worker.Exit
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		t.Logf("%d MB of %d: %v", exit.RSSMax>>20, limit>>20, exit)
		if exit.Cause != worker.Memory {
			t.Errorf("the cause is %q", exit.Cause)
		}
	} else {
		t.Logf("%+v", got.Failure)
	}
	good := workbook(t, func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "A1", "1+2") })
	o.good(t, good, wire.Request{Op: wire.Recalculate})
	o.p.Kill()
	<-o.p.Gone()
	if exit == nil {
		exit = o.p.Exit()
	}
	// What it has of files, its libraries first of all, is beside the limit.
	if most := int64(limit + 300<<20); exit.RSSMax > most {
		t.Errorf("it had %d MB", exit.RSSMax>>20)
	}
}
