package xlsx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"gridflow/internal/cell"
)

// compound makes the smallest compound file that holds streams of these names.
func compound(names ...string) string {
	const sector = 512
	b := make([]byte, 3*sector)
	copy(b, compoundMagic)
	le := binary.LittleEndian
	le.PutUint16(b[30:], 9) // sectors of 512 bytes
	le.PutUint32(b[48:], 1) // the directory is sector 1
	le.PutUint32(b[76:], 0) // the allocation table is sector 0
	for i := range sector / 4 {
		le.PutUint32(b[sector+4*i:], 0xFFFFFFFE)
	}
	for i, name := range names {
		e := b[2*sector+128*i:]
		units := utf16.Encode([]rune(name))
		for k, u := range units {
			le.PutUint16(e[2*k:], u)
		}
		le.PutUint16(e[64:], uint16(2*len(units)+2))
		e[66] = 2
	}
	return string(b)
}

// TestWhatIsNoWorkbook holds the errors of files that are something else.
func TestWhatIsNoWorkbook(t *testing.T) {
	endless := []byte(compound("Root Entry"))
	binary.LittleEndian.PutUint32(endless[512+4:], 1) // the directory follows itself
	for _, c := range []struct {
		name, file string
		code       Code
		says       string
	}{
		{"empty", "", Unreadable, "empty"},
		{"one byte", "P", Unreadable, "text"},
		{"HTML", "\ufeff\n<!DOCTYPE html><html>", Unsupported, "HTML"},
		{"HTML table", "<TABLE border=1>", Unsupported, "HTML"},
		{"delimited", "name,amount\na,1\n", Unreadable, `starts with "name,amount"`},
		{"PDF", "%PDF-1.7\n", Unsupported, "PDF"},
		{"XML Spreadsheet", `<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">`, Unsupported, "2003"},
		{"Excel 4", "\x09\x04\x06\x00\x00\x00\x10\x00", Unsupported, "Excel 4"},
		{"noise", "\x00\x01\x02\x03\xff\xfe", Unreadable, "00 01 02 03 FF FE"},
		{"xls", compound("Root Entry", "Workbook"), Unsupported, "97-2003"},
		{"xls 5", compound("Root Entry", "Book"), Unsupported, "97-2003"},
		{"encrypted", compound("Root Entry", "EncryptionInfo", "EncryptedPackage"), Encrypted, "password"},
		{"Word", compound("WordDocument"), Unsupported, "Word"},
		{"other compound file", compound("Root Entry"), Unsupported, "compound"},
		{"compound file, cut", compoundMagic, Unsupported, "compound"},
		{"compound file, endless", string(endless), Unsupported, "compound"},
		{"zip, cut", "PK\x03\x04" + strings.Repeat("x", 99), Unreadable, "cut short"},
		{"zip, empty", string(archive{}.bytes()), Unreadable, "empty zip"},
		{"zip of something", string(archive{entries: []entry{{name: "a.txt", data: "hi"}}}.bytes()), Unreadable, "no workbook"},
		{"OpenDocument", string(archive{entries: []entry{{name: "content.xml"}, {name: "META-INF/manifest.xml"}}}.bytes()), Unsupported, "OpenDocument"},
		{"Numbers", string(archive{entries: []entry{{name: "Index/Document.iwa"}}}.bytes()), Unsupported, "Numbers"},
		{"xlsb", string(archive{entries: []entry{{name: "_rels/.rels", data: relsOpen + rel("rId1", "officeDocument", "xl/workbook.bin") + "</Relationships>"}, {name: "xl/workbook.bin"}}}.bytes()), Unsupported, ".xlsb"},
		{"docx", string(archive{entries: []entry{{name: "_rels/.rels", data: relsOpen + rel("rId1", "officeDocument", "word/document.xml") + "</Relationships>"}, {name: "word/document.xml"}}}.bytes()), Unsupported, "Word"},
		{"encrypted zip", string(archive{entries: []entry{{name: "xl/workbook.xml", flags: flagEncrypted}}}.bytes()), Encrypted, "password"},
		{"another method", string(archive{entries: []entry{{name: "xl/workbook.xml", method: 9}}}.bytes()), Unsupported, "method 9"},
		{"no sheets", string(pack(smallBook(), "xl/workbook.xml", `<workbook xmlns="http://schemas.microsoft.com/office/excel/2006/2"><sheets><sheet name="a"/></sheets></workbook>`).bytes()), Unreadable, "no sheets"},
		{"another root", string(pack(smallBook(), "xl/workbook.xml", "<document/>").bytes()), Unreadable, "<workbook>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readEverything([]byte(c.file), Limits{})
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Error(), c.says) || e.Hint == "" {
				t.Errorf("error %v; want %s with %q and a hint", err, c.code, c.says)
			}
		})
	}
}

// TestHostile holds that files made to do harm give a typed error, or open, with
// little memory. spend is how much may be allocated in all.
func TestHostile(t *testing.T) {
	stored := func(part, data string) archive { // no bomb by its ratio
		a := pack(smallBook())
		for i := range a.entries {
			if a.entries[i].name == part {
				a.entries[i].data, a.entries[i].stored = data, true
			}
		}
		return a
	}
	const bombEntity = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	zeros := strings.Repeat("0", 8<<20)
	entities := func(part string) archive {
		parts := smallBook()
		return pack(parts, part, bombEntity+strings.TrimPrefix(parts[part], `<?xml version="1.0"?>`))
	}
	quine := pack(smallBook())
	quine.entries = append(quine.entries, entry{name: "copy1.xml", alias: true, data: "x"}, entry{name: "copy2.xml", alias: true, data: "x"})
	cyclic := smallBook()
	for _, name := range []string{"xl/_rels/workbook.xml.rels", "xl/worksheets/_rels/sheet1.xml.rels", "xl/drawings/_rels/drawing1.xml.rels", "xl/drawings/_rels/drawing1.xml.rels", "xl/externalLinks/_rels/externalLink1.xml.rels"} {
		cyclic[name] = strings.Replace(cyclic[name], "</Relationships>",
			rel("c1", "drawing", "/xl/drawings/drawing1.xml")+rel("c2", "externalLink", "/xl/externalLinks/externalLink1.xml")+rel("c3", "worksheet", "/xl/workbook.xml")+rel("c4", "comments", "/xl/comments1.xml")+"</Relationships>", 1)
	}
	twice := smallBook()
	twice["xl/_rels/workbook.xml.rels"] = strings.Replace(twice["xl/_rels/workbook.xml.rels"], "worksheets/sheet2.xml", "worksheets/sheet1.xml", 1)
	for _, c := range []struct {
		name  string
		file  []byte
		code  Code // "" where it opens
		says  string
		spend uint64 // MiB
	}{
		{"zip bomb", pack(smallBook(), "xl/workbook.xml", zeros).bytes(), TooLarge, "zip bomb", 1},
		{"zip bomb in a sheet", pack(smallBook(), "xl/worksheets/sheet1.xml", zeros).bytes(), TooLarge, "part xl/worksheets/sheet1.xml", 2},
		{"zip bomb in the strings", pack(smallBook(), "xl/sharedStrings.xml", zeros).bytes(), TooLarge, "part xl/sharedStrings.xml", 8},
		{"zip bomb with a small claim", archive{entries: []entry{{name: "xl/workbook.xml", data: zeros, size: 1000}}}.bytes(), Unreadable, "more than the 1000 bytes", 1},
		{"a claim that DEFLATE cannot keep", archive{entries: []entry{{name: "xl/workbook.xml", data: "x", size: 1 << 30}}}.bytes(), Unreadable, "more than its compressed bytes can give", 1},
		{"entries that share bytes", quine.bytes(), Unreadable, "overlaps", 1},
		{"65 535 entries claimed", archive{entries: pack(smallBook()).entries, claims: 65535}.bytes(), Unreadable, "are announced", 1},
		{"one entry claimed", archive{entries: pack(smallBook()).entries, claims: 1}.bytes(), Unreadable, "more entries", 1},
		{"huge total", archive{entries: []entry{{name: "a", size: 1 << 31, data: "x"}, {name: "b", size: 1 << 31, data: "y"}}}.bytes(), TooLarge, "when unpacked", 1},
		{"other name in the local header", archive{entries: []entry{{name: "xl/workbook.xml", localName: "xl/workbook.xmk", data: smallBook()["xl/workbook.xml"]}}}.bytes(), Unreadable, "disagree on its name", 1},
		{"wrong checksum", archive{entries: []entry{{name: "xl/workbook.xml", crc: 1, data: smallBook()["xl/workbook.xml"]}}}.bytes(), Unreadable, "checksum", 1},
		{"entities in the workbook", entities("xl/workbook.xml").bytes(), Unreadable, "part xl/workbook.xml: a document type", 1},
		{"entities in relationships", entities("_rels/.rels").bytes(), Unreadable, "part _rels/.rels: a document type", 1},
		{"entities in styles", entities("xl/styles.xml").bytes(), Unreadable, "part xl/styles.xml: a document type", 1},
		{"entities in content types", pack(smallBook(), "_rels/.rels", "", "[Content_Types].xml", bombEntity+"<Types/>").bytes(), Unreadable, "document type", 1},
		{"entities in comments", entities("xl/comments1.xml").bytes(), Unreadable, "document type", 4},
		{"entities in a table", entities("xl/tables/table1.xml").bytes(), Unreadable, "document type", 1},
		{"entities in a sheet", entities("xl/worksheets/sheet1.xml").bytes(), Unreadable, "part xl/worksheets/sheet1.xml", 4},
		{"entities in the strings", entities("xl/sharedStrings.xml").bytes(), Unreadable, "part xl/sharedStrings.xml", 4},
		{"cyclic relationships", pack(cyclic).bytes(), "", "", 4},
		{"one part for two sheets", pack(twice).bytes(), Unreadable, `the sheets "A & B" and "Deep"`, 1},
		{"many sheets", stored("xl/workbook.xml", repeat(`<workbook><sheets>`, `<sheet name=""/>`, maxSheets+1, `</sheets></workbook>`)).bytes(), TooLarge, "sheets", 16},
		{"many names", stored("xl/workbook.xml", repeat(`<workbook><definedNames>`, `<definedName name=""/>`, maxEntries+1, `</definedNames></workbook>`)).bytes(), TooLarge, "defined names", 256},
		{"many relationships", stored("_rels/.rels", repeat(relsOpen, `<Relationship Id=""/>`, maxEntries+1, `</Relationships>`)).bytes(), TooLarge, "relationships", 256},
		{"many styles", stored("xl/styles.xml", repeat(`<styleSheet><cellXfs>`, `<xf a=""/>`, maxEntries+1, `</cellXfs></styleSheet>`)).bytes(), TooLarge, "formats", 256},
		{"a long tail", stored("xl/worksheets/sheet1.xml", repeat(`<worksheet><sheetData/><mergeCells>`, `<mergeCell ref="A1:B2"/>`, 1<<20, `</mergeCells></worksheet>`)).bytes(), TooLarge, "what follows the cells", 72},
		{"a long head", stored("xl/worksheets/sheet1.xml", repeat(`<worksheet><cols>`, `<col min="1" max="2"/>`, 1<<20, `</cols><sheetData/></worksheet>`)).bytes(), TooLarge, "what precedes the cells", 128},
		{"many links", stored("xl/worksheets/sheet1.xml", repeat(`<worksheet `+mainNS+`><sheetData/><hyperlinks>`, `<hyperlink ref="A1"/>`, 1<<19, `</hyperlinks></worksheet>`)).bytes(), TooLarge, "too many merges, links", 256},
		{"absurd counts", pack(smallBook(), "xl/sharedStrings.xml", `<sst `+mainNS+` count="4294967295" uniqueCount="4294967295"><si><t>x</t></si></sst>`,
			"xl/worksheets/sheet1.xml", `<worksheet `+mainNS+`><dimension ref="A1:XFD1048576"/><cols><col min="1" max="4294967295"/></cols><sheetData><row r="1"><c r="A1" s="4294967295" t="s"><v>0</v></c></row></sheetData><mergeCells count="4294967295"/></worksheet>`).bytes(), "", "", 4},
		{"a huge attribute", stored("xl/workbook.xml", `<workbook><sheets><sheet name="`+zeros+`"/></sheets></workbook>`).bytes(), "", "", 32},
		{"many attributes", stored("xl/workbook.xml", repeat(`<workbook`, ` a=""`, 1<<19, `/>`)).bytes(), Unreadable, "attributes", 32},
		{"deep nesting", stored("xl/workbook.xml", repeat("<workbook>", "<a>", 1<<20, "")).bytes(), Unreadable, "nested", 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			if raceDetector && len(c.file) > 1<<20 {
				t.Skip("too slow with the race detector, which has nothing to find in one goroutine")
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := readEverything(c.file, Limits{TotalBytes: 3 << 30})
			runtime.ReadMemStats(&after)
			var e *Error
			switch {
			case c.code == "" && err != nil:
				t.Errorf("error %v", err)
			case c.code != "" && (!errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Error(), c.says)):
				t.Errorf("error %v; want %s with %q", err, c.code, c.says)
			}
			if spent := (after.TotalAlloc - before.TotalAlloc) >> 20; spent > c.spend {
				t.Errorf("%d MiB were allocated for a file of %d KiB; the bound is %d", spent, len(c.file)>>10, c.spend)
			}
		})
	}
}

// TestDamage cuts a workbook at every byte and flips a bit of every byte. Reading it
// gives a typed error, or succeeds where what was changed says nothing.
func TestDamage(t *testing.T) {
	whole := pack(smallBook()).bytes()
	check := func(what string, at int, b []byte, mayOpen bool) {
		_, err := readEverything(b, Limits{})
		var e *Error
		if err == nil && !mayOpen || err != nil && !errors.As(err, &e) {
			t.Errorf("%s at byte %d of %d: error %v", what, at, len(whole), err)
		}
	}
	stride := 8
	if raceDetector {
		stride = 64
	}
	for n := 0; n < len(whole); n += max(1, stride/8) {
		check("cut", n, whole[:n], false)
	}
	// Of what is compressed, every bit is as good as its neighbours; the directory and
	// the headers of the first parts are gone through.
	directory := bytes.Index(whole, []byte(entrySignature))
	for i := 0; i < len(whole); i += max(1, stride/8) {
		if i > 1000 && i < directory && i%stride != 0 {
			continue
		}
		// Work that a failure has made needless may end a little later: it keeps its bytes.
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i / 8 % 8)
		check("bit flipped", i, b, true)
	}
}

// TestCancelledOpen gives up at once.
func TestCancelledOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := pack(smallBook()).bytes()
	if _, err := Open(ctx, bytes.NewReader(b), int64(len(b)), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// failing is a source that fails from some byte on, as a file does that is replaced by
// a shorter one.
type failing struct {
	r  *bytes.Reader
	at int64
}

var errGone = errors.New("stale file handle")

func (f failing) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > f.at {
		return 0, errGone
	}
	return f.r.ReadAt(b, at)
}

func TestSourceThatFails(t *testing.T) {
	b := pack(smallBook()).bytes()
	for at := 0; at <= len(b); at += 97 {
		_, err := Open(context.Background(), failing{bytes.NewReader(b), int64(at)}, int64(len(b)), Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Code != Unreadable || !errors.Is(err, errGone) {
			t.Fatalf("failing from byte %d: error %v", at, err)
		}
	}
}

// panicking is a source that panics once it is armed.
type panicking struct {
	*bytes.Reader
	armed bool
}

func (p *panicking) ReadAt(b []byte, at int64) (int, error) {
	if p.armed {
		panic("no such block")
	}
	return p.Reader.ReadAt(b, at)
}

// TestPanicOfALoad: a panic of whatever reads a sheet, on the way beside the caller, is an error of that load.
func TestPanicOfALoad(t *testing.T) {
	b := longBook(longSheet(rand.New(rand.NewPCG(5, 5)), "", 2<<20), false)
	src := &panicking{Reader: bytes.NewReader(b)}
	f, err := Open(t.Context(), src, int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	src.armed = true
	if _, err := f.Sheet(t.Context(), 0, cell.MaxRows-1); err == nil || !strings.Contains(err.Error(), "no such block") {
		t.Errorf("error %v", err)
	}
}

// TestPartsAreBounded: a part that is read whole is refused where it is larger than a single part may be, whoever wants it: who
// reads the workbook, who changes it, who wants its macros.
func TestPartsAreBounded(t *testing.T) {
	const limit = 1 << 20
	toOpen := []string{"_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/workbook.xml", "xl/styles.xml", "xl/worksheets/_rels/sheet1.xml.rels",
		"xl/tables/table1.xml", "xl/comments1.xml", "xl/persons/person.xml", "xl/threadedComments/t1.xml", "xl/drawings/_rels/drawing1.xml.rels", "xl/externalLinks/_rels/externalLink1.xml.rels"}
	for name, content := range smallBook() {
		large := pack(smallBook())
		for i := range large.entries {
			if large.entries[i].name == name { // stored, and so no bomb by its ratio
				large.entries[i].data, large.entries[i].stored = content+strings.Repeat(" ", limit), true
			}
		}
		file := large.bytes()
		refused := func(who string, err error) {
			t.Helper()
			var e *Error
			if !errors.As(err, &e) || e.Code != TooLarge || e.Part != name {
				t.Errorf("%s, for %s: %v", name, who, err)
			}
		}
		f, err := readEverything(file, Limits{PartBytes: limit})
		if slices.Contains(toOpen, name) {
			refused("a reader", err)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if name == "xl/vbaProject.bin" {
			_, err := f.Macros(t.Context())
			refused("who wants macros", err)
		}
		p, err := OpenPackage(bytes.NewReader(file), int64(len(file)), Limits{PartBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.ReadXML(p.Find(name))
		refused("a writer", err)
	}
}
