package vba

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/vba/vbatest"
)

// sample is a project with a module and a reference of every sort.
func sample() vbatest.Project {
	p := vbatest.Project{CodePage: 1252, SysKind: 3, Name: "Prices"}
	p.References = append(p.References, vbatest.Registered("stdole", `*\G{1}#2.0#0#C:\stdole2.tlb#OLE Automation`)...)
	p.References = append(p.References, vbatest.Named("MSForms")...)
	p.References = append(p.References,
		vbatest.Record{ID: 0x0033, Data: []byte("orig")},
		vbatest.Record{ID: 0x002F, Data: append(vbatest.Sized("twiddled"), make([]byte, 6)...)})
	p.References = append(p.References, vbatest.Named("Forms extended")...)
	p.References = append(p.References, vbatest.Record{ID: 0x0030, Data: append(vbatest.Sized("ext"), make([]byte, 26)...)},
		vbatest.Record{ID: 0x002F, Data: append(vbatest.Sized("alone"), make([]byte, 6)...)})
	p.References = append(p.References, vbatest.Named("Named late")...)
	p.References = append(p.References, vbatest.Record{ID: 0x0030, Data: vbatest.Sized("x")}, vbatest.Record{ID: 0x0033, Data: []byte("original alone")})
	p.References = append(p.References, vbatest.Named("Other")...)
	p.References = append(p.References, vbatest.Record{ID: 0x000E, Data: append(append(vbatest.Sized(`*\CC:\other.xlsm`), vbatest.Sized(`*\Cother.xlsm`)...), 5, 0, 0, 0, 7, 0)})
	p.Modules = []vbatest.Module{
		{Name: "ThisWorkbook", Class: true, ReadOnly: true, Source: "Attribute VB_Name = \"ThisWorkbook\"\r\n"},
		{Name: "Pr\xE4mie", Wide: "Prämie", Private: true, Doc: "rates", Source: "' \x80 5\r\nFunction Rate()\r\nRate = 1\r\nEnd Function\r\n"},
		{Name: "Long", Source: strings.Repeat("x = x + 1 ' and so on\r\n", 400) + strings.Repeat("\x00\xFFab\x17", 3000)},
		{Name: "Empty"},
	}
	return p
}

func TestOpen(t *testing.T) {
	made := sample()
	p, err := Open(made.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Prices" || p.CodePage != 1252 || p.SysKind != Win64 {
		t.Errorf("name %q, code page %d, platform %s", p.Name, p.CodePage, p.SysKind)
	}
	modules := []Module{
		{"ThisWorkbook", "ThisWorkbook", "", 10, 7, DocClsDesigner, true, false},
		{"Prämie", "Prämie", "rates", 10, 7, Procedural, false, true},
		{"Long", "Long", "", 10, 7, Procedural, false, false},
		{"Empty", "Empty", "", 10, 7, Procedural, false, false},
	}
	if !reflect.DeepEqual(p.Modules, modules) {
		t.Errorf("the modules are\n%+v\nwant\n%+v", p.Modules, modules)
	}
	references := []Reference{
		{"stdole", RegisteredReference, `*\G{1}#2.0#0#C:\stdole2.tlb#OLE Automation`},
		{"MSForms", ControlReference, "original: orig, adapted: twiddled, extended: ext"},
		{"Named late", ControlReference, "adapted: alone, extended: x"},
		{"", OriginalReference, "original alone"},
		{"Other", ProjectReference, `*\CC:\other.xlsm, relative: *\Cother.xlsm, version: 5.7`},
	}
	if !reflect.DeepEqual(p.References, references) {
		t.Errorf("the references are\n%+v\nwant\n%+v", p.References, references)
	}
	for i, m := range made.Modules {
		want := decode([]byte(m.Source), 1252)
		for range 2 { // reading leaves no trace
			if got, err := p.Source(&p.Modules[i]); err != nil || got != want {
				t.Errorf("%s: %d bytes and %v, want %d bytes", p.Modules[i].Name, len(got), err, len(want))
			}
		}
	}
	if got, _ := p.Source(&p.Modules[1]); !strings.HasPrefix(got, "' € 5\r\n") {
		t.Errorf("the source is not in its code page: %q", got)
	}
	if m := p.Module("LONG"); m != &p.Modules[2] || p.Module("Longer") != nil {
		t.Errorf("Module gives %v", m)
	}
}

// TestOpenDamaged has projects with one thing wrong, and what is said about it.
func TestOpenDamaged(t *testing.T) {
	dir := sample().Dir()
	record := func(id uint16, data string) string { return string(vbatest.AppendRecord(nil, id, []byte(data))) }
	open := func(content string) []byte {
		return vbatest.Compound(map[string][]byte{"VBA/dir": vbatest.Compress([]byte(content))})
	}
	compressed := func(content string) []byte { return vbatest.Compound(map[string][]byte{"VBA/dir": []byte(content)}) }
	flipped := func(at int, with uint32) []byte {
		b := sample().Bytes()
		binary.LittleEndian.PutUint32(b[at:], with)
		return b
	}
	deep := func() []byte {
		b := vbatest.Compound(map[string][]byte{"x": nil})
		// A directory of one sector that is its own successor.
		start := binary.LittleEndian.Uint32(b[48:])
		fat := binary.LittleEndian.Uint32(b[76:])
		binary.LittleEndian.PutUint32(b[512*(fat+1)+4*start:], start)
		return b
	}
	// A stream whose size is said to be two gigabytes: room for it is not to be made.
	vast := sample().Bytes()
	entry := bytes.Index(vast, []byte("d\x00i\x00r\x00\x00\x00"))
	binary.LittleEndian.PutUint32(vast[entry+120:], 1<<31-1)
	many := strings.Repeat(record(0x0019, "m"), MaxModules+1)
	for _, test := range []struct {
		name string
		data []byte
		kind Kind
		want string
	}{
		{"nothing", nil, Damaged, "it is no compound file"},
		{"text", bytes.Repeat([]byte("Attribute "), 100), Damaged, "bad signature"},
		{"too large", make([]byte, MaxBytes+1), TooLarge, "the limit is 20 MiB"},
		{"cut short", sample().Bytes()[:1024], Damaged, "it is no compound file"},
		{"directory outside", flipped(48, 1<<30), Damaged, "directory entries read error"},
		{"mini stream outside", flipped(60, 1<<30), Damaged, "stream vba/dir: it ends after 0 of"},
		{"vast stream", vast, Damaged, "stream vba/dir: its size is said to be 2147483647 bytes, more than the whole project has"},
		{"directory in a circle", deep(), Damaged, "cycle"},
		{"no dir", vbatest.Compound(map[string][]byte{"PROJECT": nil, "VBA/other": nil, "dir": nil, "XVBA/dir": nil}), Damaged, "no stream VBA/dir"},
		{"empty dir", compressed(""), Damaged, "stream vba/dir: its compressed text does not begin"},
		{"no chunk", compressed("\x01\x00\x00"), Damaged, "at byte 1 of the compressed text there is no chunk"},
		{"half a header", compressed("\x01\x00"), Damaged, "cut short at byte 1"},
		{"copy of nothing", compressed("\x01\x02\xB0\x01\x00\x00"), Damaged, "the chunk at byte 1"},
		{"copy from before", compressed("\x01\x03\xB0\x02a\x00\xF0"), Damaged, "the chunk at byte 1"},
		{"long copy", compressed("\x01\x03\xB0\x02a\xFF\x0F"), Damaged, "the chunk at byte 1"},
		{"half a token", compressed("\x01\x02\xB0\x02a\x00"), Damaged, "the chunk at byte 1"},
		{"bomb", compressed("\x01" + strings.Repeat("\x03\xB0\x02a\xFC\x0F", maxDirBytes/4096+1)), TooLarge, "unpacks to more than"},
		{"no end", open(string(dir[:len(dir)-6])), Damaged, "without its end mark"},
		{"half a record", open(string(dir[:len(dir)-9])), Damaged, "without its end mark"},
		{"long record", open("\x04\x00\xFF\xFF\xFF\xFF123456"), Damaged, "the record 0x0004 at byte 0 is longer than what is left"},
		{"modules", open(many), TooLarge, "more than 4096 modules"},
		{"references", open(strings.Repeat(record(0x000D, ""), MaxReferences+1)), TooLarge, "more than 4096 references"},
		{"extended alone", open(record(0x0030, "")), Damaged, "begins in its middle"},
	} {
		p, err := Open(test.data)
		var e *Error
		if p != nil || !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want kind %d with %q", test.name, err, test.kind, test.want)
		}
	}
}

// TestDirectoryBound makes sure that a directory with room for storages inside one
// another without end is refused before it is read.
func TestDirectoryBound(t *testing.T) {
	streams := make(map[string][]byte)
	for i := range directoryBytesMax / 128 {
		streams[fmt.Sprint("s", i)] = nil
	}
	_, err := Open(vbatest.Compound(streams))
	var e *Error
	if !errors.As(err, &e) || e.Kind != TooLarge {
		t.Errorf("got %v", err)
	}
}

// TestDeepStream: a project is found in as many storages as a stream may lie in, and not looked for in more.
func TestDeepStream(t *testing.T) {
	for storages := 1; storages <= pathMax+1; storages++ {
		at := strings.Repeat("x/", storages-1) + "VBA/dir"
		_, err := Open(vbatest.Compound(map[string][]byte{at: vbatest.Compress(sample().Dir())}))
		if (err == nil) != (storages <= 8) {
			t.Errorf("in %d storages: %v", storages, err)
		}
	}
}

func TestSourceDamaged(t *testing.T) {
	bomb := "\x01" + strings.Repeat("\x03\xB0\x02a\xFC\x0F", MaxSourceBytes/4096+1)
	for _, test := range []struct {
		stream string
		kind   Kind
		want   string
	}{
		{"short", Damaged, "its source is said to begin at byte 10, but it has 5 bytes"},
		{"1234567890", Damaged, "stream vba/M: its compressed text does not begin"},
		{"1234567890" + bomb, TooLarge, "unpacks to more than 8388608 bytes"},
	} {
		p, err := Open(vbatest.Project{Modules: []vbatest.Module{{Name: "M"}}, Streams: map[string][]byte{"VBA/M": []byte(test.stream)}}.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Source(&p.Modules[0])
		var e *Error
		if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.20q: got %v, want %q", test.stream, err, test.want)
		}
	}
	p := &Project{file: &compound{}, folder: "vba"}
	if _, err := p.Source(&Module{StreamName: "Gone"}); err == nil || !strings.Contains(err.Error(), "vba/Gone: there is no such stream") {
		t.Errorf("a module without a stream: %v", err)
	}
}

// TestDecompress has the examples of MS-OVBA 3.2.
func TestDecompress(t *testing.T) {
	for _, test := range []struct{ packed, want string }{
		{"\x01\x19\xB0\x00abcdefgh\x00ijklmnop\x00qrstuv.", "abcdefghijklmnopqrstuv."},
		{"\x01\x2F\xB0\x00#aaabcde\x82f\x00\x70aghij\x018\x08akl\x00\x30mnop\x06q\x02p\x04\x10rstuv\x10wxyz\x00\x3C", "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"},
		{"\x01\x03\xB0\x02a\x45\x00", strings.Repeat("a", 73)},
		{"\x01", ""},
	} {
		got, err := decompress([]byte(test.packed), 1000)
		if err != nil || string(got) != test.want {
			t.Errorf("%q: got %q and %v", test.packed, got, err)
		}
	}
}

// TestDecompressProperty packs texts and unpacks them again.
func TestDecompressProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"Dim ", "a", "b", "\r\n", "Range(\"A1\")", "\x00\x01\x02", "End Sub\r\n"})
		text := strings.Join(rapid.SliceOfN(word, 0, 600).Draw(t, "words"), "")
		noise := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "noise")
		b := append([]byte(text), noise...)
		got, err := decompress(vbatest.Compress(b), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		// The last chunk may be one that could not be made smaller, and is padded.
		if !bytes.HasPrefix(got, b) || len(bytes.Trim(got[len(b):], "\x00")) > 0 {
			t.Fatalf("%d bytes came back as %d other ones", len(b), len(got))
		}
	})
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		page  uint16
		b     string
		want  string
		known bool
	}{
		{1252, "caf\xE9 \x80", "café €", true},
		{0, "caf\xE9", "café", true},
		{1251, "\xCB\xE8\xF1\xF2", "Лист", true},
		{932, "\x83V\x81[\x83g", "シート", true},
		{936, "\xB9\xA4\xD7\xF7\xB1\xED", "工作表", true},
		{949, "\xBD\xC3\xC6\xAE", "시트", true},
		{950, "\xA4u\xA7@\xAA\xED", "工作表", true},
		{10000, "caf\x8E", "café", true},
		{65001, "café \xFF", "café \uFFFD", true},
		{1253, "\xD2\xE1", "\uFFFDα", true}, // D2 stands for nothing there
		{932, "a\x83", "a\uFFFD", true},
		{4711, "caf\xE9", "caf\uFFFD", false},
		{4711, "plain", "plain", false},
	} {
		if got := decode([]byte(test.b), test.page); got != test.want || KnownCodePage(test.page) != test.known {
			t.Errorf("%q in code page %d is %q, want %q", test.b, test.page, got, test.want)
		}
	}
}
