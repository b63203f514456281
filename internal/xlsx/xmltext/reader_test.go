package xmltext

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
)

// trace writes the tokens of a document as one line.
func trace(r *Reader) string {
	var b strings.Builder
	for {
		switch r.Next() {
		case Start:
			fmt.Fprintf(&b, "<%s", r.Local())
			for i := range r.attrs {
				a := &r.attrs[i]
				fmt.Fprintf(&b, " %s=%q", a.local, attributeText(a.raw))
			}
			b.WriteString(">")
		case End:
			fmt.Fprintf(&b, "</%s>", r.Local())
		case Text:
			b.Write(r.AppendToken(nil))
		case EOF:
			if r.Err() != nil {
				fmt.Fprintf(&b, " ! %v", r.Err())
			}
			return b.String()
		}
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"plain", `<a x="1"><b/>t</a>`, `<a x="1"><b></b>t</a>`},
		{"declaration, comment, instruction", "<?xml version='1.0'?>\n<!-- c -- <x> --><a><?p <y> ?>t<!--z--></a>\n", `<a>t</a>`},
		{"angle bracket in a value", `<a x="1>2" y='"'>t</a>`, `<a x="1>2" y="\"">t</a>`},
		{"spaces in tags", "<a  x = \"1\"\n\ty='2' ><b /></a >", `<a x="1" y="2"><b></b></a>`},
		{"entities", `<a x="&lt;&#65;&amp;">&#x1F600;&gt;&quot;&apos;&#0;&#xD800;</a>`, "<a x=\"<A&\">\U0001F600>\"'\uFFFD\uFFFD</a>"},
		{"unknown entities stay", `<a>&foo;&;&#x;&#99999999999; & b</a>`, `<a>&foo;&;&#x;&#99999999999; & b</a>`},
		{"CDATA", `<a><![CDATA[<b>&amp;]] >]]></a>`, `<a><b>&amp;]] ></a>`},
		{"line ends", "<a x='1\r\n2\t3'>x\r\ny\rz</a>", "<a x=\"1 2 3\">x\ny\nz</a>"},
		{"bad UTF-8", "<a x='\xff'>b\xc3</a>", "<a x=\"\uFFFD\">b\uFFFD</a>"},
		{"byte order mark", "\xef\xbb\xbf<a/>", `<a></a>`},
		{"prefixes", `<x:a xmlns:x="u" x:b="1"><x:c/></x:a>`, `<a b="1"><c></c></a>`},
		{"doctype", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, ` ! a document type declaration, which no workbook has and which can hide an entity bomb, at byte 0`},
		{"nothing", ` `, ` ! there is no root element at byte 1`},
		{"cut in a tag", `<a x="1`, ` ! an attribute whose value is not closed at byte 3`},
		{"cut at once", `<`, ` ! the document ends inside a tag at byte 0`},
		{"cut in an element", `<a><b>`, `<a><b> ! the document ends inside <b> at byte 6`},
		{"crossed", `<a><b></a></b>`, `<a><b> ! </a> stands where </b> is due at byte 6`},
		{"closed twice", `<a></a></a>`, `<a></a> ! </a> closes nothing at byte 7`},
		{"two roots", `<a/><b/>`, `<a></a> ! a second root element at byte 4`},
		{"text behind", `<a/>x`, `<a></a> ! text outside of the root element at byte 4`},
		{"bare attribute", `<a x></a>`, ` ! an attribute without a value at byte 3`},
		{"unquoted", `<a x=1></a>`, ` ! an attribute whose value is not quoted at byte 3`},
		{"no name", `<a>< b></a>`, `<a> ! a '<' is followed by no name at byte 3`},
		{"open comment", `<a><!-- </a>`, `<a> ! a comment is not closed at byte 3`},
		{"namespaces", "<a" + strings.Repeat(` xmlns:n="u"`, 1000) + "><b" + strings.Repeat(` xmlns:n="u"`, 1000) + "/></a>", `<a> ! more than 1024 namespaces are declared at byte 12294`},
		{"deep", strings.Repeat("<a>", 300), strings.Repeat("<a>", 256) + ` ! elements are nested more than 256 deep at byte 768`},
		{
			"fallback", `<a xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:n="new"><mc:AlternateContent>
<mc:Choice Requires="n"><b><mc:Fallback/></b></mc:Choice><mc:Fallback><c/></mc:Fallback></mc:AlternateContent></a>`, "<a>\n<c></c></a>",
		},
		{
			"choice", `<a xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:x="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><mc:AlternateContent><mc:Choice Requires="x">` +
				`<b/><mc:AlternateContent><mc:Choice Requires="n"/><mc:Fallback/></mc:AlternateContent></mc:Choice><mc:Fallback><c/></mc:Fallback></mc:AlternateContent><d/></a>`, "<a><b></b><d></d></a>",
		},
		{"choice cut", `<a xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:AlternateContent><mc:Choice Requires="n"><b>`, "<a> ! the document ends inside <b> at byte 122"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := trace(New([]byte(c.doc))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFragmentMayEndOpen(t *testing.T) {
	r := NewFragment([]byte(`<worksheet><cols><col min="1"/></cols>`))
	if !r.Root() {
		t.Fatal(r.Err())
	}
	var names []string
	for d := r.Depth(); r.Child(d); {
		names = append(names, string(r.Local()))
	}
	if r.Err() != nil || strings.Join(names, " ") != "cols" {
		t.Errorf("children %v, error %v", names, r.Err())
	}
}

func TestChildPassesOverWhatIsDeeper(t *testing.T) {
	r := New([]byte(`<a><b><x/><c>1</c></b><d>2<e>3</e>4</d><f/></a>`))
	r.Root()
	var got []string
	for d := r.Depth(); r.Child(d); {
		got = append(got, string(r.Local()))
		if string(r.Local()) == "d" {
			got = append(got, r.Text())
		}
	}
	if s := strings.Join(got, " "); s != "b d 24 f" || r.Err() != nil {
		t.Errorf("children %q, error %v", s, r.Err())
	}
}

func TestNamespaces(t *testing.T) {
	r := New([]byte(`<x:a xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main" xmlns:r="http://purl.oclc.org/ooxml/officeDocument/relationships">` +
		`<b xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r:id="rId1" id="2"/><b/><y:b/><x:b/></x:a>`))
	want := []NS{Main, Main, None, Unknown, Main}
	for i, w := range want {
		for r.Next() != Start {
		}
		if r.NS() != w {
			t.Errorf("element %d: namespace %d, want %d", i, r.NS(), w)
		}
		if i == 1 && (r.ValueNS(Relationship, "id") != "rId1" || r.Value("id") != "2") {
			t.Errorf("r:id = %q, id = %q", r.ValueNS(Relationship, "id"), r.Value("id"))
		}
	}
}

func TestAttributeNumbers(t *testing.T) {
	r := New([]byte(`<a i="12" f=" 1.5 " big="99999999999" bad="x" nan="NaN" inf="-INF" yes="true" no="0"/>`))
	r.Root()
	got := fmt.Sprint(r.Int("i", -1), r.Int("f", -1), r.Int("big", -1), r.Int("bad", -1), r.Int("nan", -1), r.Int("none", -1),
		r.Float("f", -1), r.Float("nan", -1), r.Float("inf", -1), r.Bool("yes", false), r.Bool("no", true), r.Bool("bad", true))
	if want := "12 1 2147483647 -1 -1 -1 1.5 -1 -1 true false true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "a_x000D_b": "a\rb", "_x005F_x000D_": "_x000D_", "_x00G0_": "_x00G0_", "_x000d": "_x000d",
		"_xD83D__xDE00_": "\U0001F600", "_xD83D_": "\uFFFD", "__x0041_": "_A", "_x_x0041_": "_xA",
	} {
		if got := Unescape(in); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestToUTF8(t *testing.T) {
	wide := func(s string, mark bool, big bool) []byte {
		var b []byte
		if mark {
			s = "\uFEFF" + s
		}
		for _, c := range s {
			if big {
				b = append(b, byte(c>>8), byte(c))
			} else {
				b = append(b, byte(c), byte(c>>8))
			}
		}
		return b
	}
	for _, c := range []struct {
		name string
		doc  []byte
		want string
	}{
		{"UTF-8", []byte("<a>ä</a>"), "<a>ä</a>"},
		{"mark", []byte("\xef\xbb\xbf<a/>"), "<a/>"},
		{"UTF-16LE with mark", wide("<a>ä</a>", true, false), "<a>ä</a>"},
		{"UTF-16BE with mark", wide("<a>ä</a>", true, true), "<a>ä</a>"},
		{"UTF-16LE", wide("<a>ä</a>", false, false), "<a>ä</a>"},
		{"UTF-16BE", wide("<a>ä</a>", false, true), "<a>ä</a>"},
		{"Latin 1", []byte("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>"), "<?xml version='1.0' encoding='ISO-8859-1'?><a>ä</a>"},
		{"Windows", []byte(`<?xml version="1.0" encoding="windows-1252"?><a>` + "\x80</a>"), `<?xml version="1.0" encoding="windows-1252"?><a>€</a>`},
		{"Windows Greek", []byte(`<?xml version="1.0" encoding="windows-1253"?><a>` + "\xe1</a>"), `<?xml version="1.0" encoding="windows-1253"?><a>α</a>`},
		{"wrong claim", []byte(`<?xml version="1.0" encoding="utf-16"?><a/>`), `<?xml version="1.0" encoding="utf-16"?><a/>`},
	} {
		if got, err := ToUTF8(c.doc); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, err := ToUTF8([]byte(`<?xml version="1.0" encoding="EBCDIC-X"?><a/>`)); err == nil {
		t.Error("an unknown character set was accepted")
	}
}

// FuzzReader holds that reading ends without a panic, and that whenever both this
// package and encoding/xml accept a document they agree on what it holds.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		`<a x="1&gt;"><b/>t&amp;<![CDATA[<]]></a>`, "<?xml version='1.0'?><x:a xmlns:x='u' x:y='&#65;'>\r\n<!--c--></x:a>",
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, `<a><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="x"/><mc:Fallback><b/></mc:Fallback></mc:AlternateContent></a>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		trace(NewFragment(doc))
		utf8doc, err := ToUTF8(doc)
		if err != nil {
			return
		}
		r := New(utf8doc)
		got := trace(r)
		if r.Err() != nil || bytes.Contains(utf8doc, []byte("AlternateContent")) {
			return
		}
		if want, ok := oracle(utf8doc); ok && got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", utf8doc, got, want)
		}
	})
}

// oracle is trace by the standard library; ok is false where that refuses the document.
func oracle(doc []byte) (s string, ok bool) {
	if bytes.Contains(doc, []byte("encoding")) || bytes.Contains(doc, []byte("&#")) {
		return "", false
	}
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(doc))
	depth := 0
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			return b.String(), depth == 0
		}
		if err != nil {
			return "", false
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&b, "<%s", tok.Name.Local)
			for _, a := range tok.Attr {
				if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
					continue
				}
				fmt.Fprintf(&b, " %s=%q", a.Name.Local, spaced(a.Value))
			}
			b.WriteString(">")
		case xml.EndElement:
			depth--
			fmt.Fprintf(&b, "</%s>", tok.Name.Local)
		case xml.CharData:
			if depth > 0 {
				b.Write(tok)
			}
		}
	}
}

// spaced does what XML demands of blanks in values and encoding/xml leaves undone.
func spaced(s string) string {
	return strings.NewReplacer("\t", " ", "\n", " ").Replace(s)
}

func BenchmarkReader(b *testing.B) {
	doc := []byte(`<mergeCells>` + strings.Repeat(`<mergeCell ref="A1:B2"/>`, 10000) + `</mergeCells>`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		r := New(doc)
		r.Root()
		n := 0
		for d := r.Depth(); r.Child(d); {
			n += len(r.Attr("ref"))
		}
		if n != 50000 {
			b.Fatal(n)
		}
	}
}
