package xmltext

import (
	"bytes"
	"errors"
	"fmt"
)

// Bounds of what a document may hold. No program writes more than a small part of it.
const (
	maxDepth      = 256
	maxAttributes = 1024
)

// Kind is the kind of a token.
type Kind uint8

// The kinds of token. EOF ends every document: see [Reader.Err] for how it ended.
const (
	EOF Kind = iota
	Start
	End
	Text
)

// SyntaxError says that a document is not XML as a workbook may hold it.
type SyntaxError struct {
	Offset int // in bytes from the beginning of what the Reader was given
	Reason string
	Entity bool // the document declares a document type, the way to entity bombs
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// attr is one attribute of a start tag, as it stands there.
type attr struct {
	prefix, local, raw []byte
}

// frame is an open element.
type frame struct {
	name     []byte // with its prefix
	bindings int    // length of Reader.bindings before the element
	hidden   bool   // an alternative or its branch, which the caller does not see
	chosen   bool   // of an alternative: a branch was taken
}

// Reader gives the tokens of one document. It is for one goroutine. The byte slices
// that it gives point into the document and stay valid.
type Reader struct {
	buf      []byte
	pos      int
	fragment bool
	err      error

	kind     Kind
	local    []byte
	ns       NS
	attrs    []attr
	raw      []byte // of a Text
	cdata    bool
	selfEnd  bool // the start tag given last was also the end
	depth    int  // open elements that are not hidden
	frames   []frame
	bindings []binding
	rooted   bool // there was a root element
}

// New gives a Reader of a whole document in UTF-8.
func New(doc []byte) *Reader {
	r := &Reader{buf: doc}
	if bytes.HasPrefix(doc, bom) {
		r.pos = len(bom)
	}
	return r
}

// NewFragment is New for the beginning of a document: it may end while elements are
// still open.
func NewFragment(doc []byte) *Reader {
	r := New(doc)
	r.fragment = true
	return r
}

var bom = []byte("\xef\xbb\xbf")

// Err gives the fault that ended the document early, nil if there is none.
func (r *Reader) Err() error { return r.err }

// Offset is the position behind the current token, in bytes.
func (r *Reader) Offset() int { return r.pos }

// Depth is the number of elements that are open; a start tag counts at once, an end
// tag no more.
func (r *Reader) Depth() int { return r.depth }

// Local gives the name of the element that a Start or End token is for, without prefix.
func (r *Reader) Local() []byte { return r.local }

// NS gives the namespace of the element that a Start token is for.
func (r *Reader) NS() NS { return r.ns }

// InMain reports whether the element of a Start token is SpreadsheetML. Documents
// that use no namespaces at all are taken to be.
func (r *Reader) InMain() bool { return r.ns == Main || r.ns == None }

// Root advances to the root element.
func (r *Reader) Root() bool {
	for {
		switch r.Next() {
		case Start:
			return true
		case EOF:
			return false
		}
	}
}

// Child advances to the next start tag that lies directly inside the element at the
// given depth, passing over whatever is deeper. It returns false when that element
// has ended or the document has. The usual form is
//
//	for d := r.Depth(); r.Child(d); {
//		switch string(r.Local()) { … }
//	}
func (r *Reader) Child(depth int) bool {
	for {
		switch r.Next() {
		case Start:
			if r.depth == depth+1 {
				return true
			}
		case End:
			if r.depth < depth {
				return false
			}
		case EOF:
			return false
		}
	}
}

// Skip passes over the rest of the current element.
func (r *Reader) Skip() {
	for d := r.depth; r.Child(d); {
	}
}

// Next advances to the next token. An element that closes itself gives a Start and an
// End. After the end or a fault it gives EOF for ever.
func (r *Reader) Next() Kind {
	r.kind = r.next()
	return r.kind
}

func (r *Reader) next() Kind {
	if r.err != nil {
		return EOF
	}
	if r.selfEnd {
		r.selfEnd = false
		if r.pop() {
			return End
		}
	}
	for {
		if r.pos >= len(r.buf) {
			return r.finish()
		}
		if r.buf[r.pos] != '<' {
			end := bytes.IndexByte(r.buf[r.pos:], '<')
			if end < 0 {
				end = len(r.buf) - r.pos
			}
			r.raw, r.cdata = r.buf[r.pos:r.pos+end], false
			r.pos += end
			if len(r.frames) == 0 {
				if !blank(r.raw) {
					return r.fail(r.pos-end, "text outside of the root element")
				}
				continue
			}
			return Text
		}
		if r.pos+1 >= len(r.buf) {
			return r.fail(r.pos, "the document ends inside a tag")
		}
		switch r.buf[r.pos+1] {
		case '/':
			shown, ok := r.endTag()
			if !ok {
				return EOF
			}
			if shown {
				return End
			}
		case '?':
			if !r.skipTo("?>", "a processing instruction") {
				return EOF
			}
		case '!':
			k, ok := r.declaration()
			if !ok {
				return EOF
			}
			if k == Text {
				return Text
			}
		default:
			if !r.startTag() {
				return EOF
			}
			hidden, skip := r.alternative()
			if skip {
				r.skipElement()
				continue
			}
			if !hidden {
				return Start
			}
			if r.selfEnd {
				r.selfEnd = false
				r.pop()
			}
		}
	}
}

// finish says how a document that has no more bytes ended.
func (r *Reader) finish() Kind {
	switch {
	case !r.rooted:
		return r.fail(r.pos, "there is no root element")
	case len(r.frames) > 0 && !r.fragment:
		return r.fail(r.pos, "the document ends inside <"+clip(r.frames[len(r.frames)-1].name)+">")
	}
	return EOF
}

func (r *Reader) fail(at int, reason string) Kind {
	if r.err == nil {
		r.err = &SyntaxError{Offset: at, Reason: reason}
	}
	return EOF
}

// skipTo passes over everything up to and including end.
func (r *Reader) skipTo(end, what string) bool {
	i := bytes.Index(r.buf[r.pos+2:], []byte(end))
	if i < 0 {
		r.fail(r.pos, what+" is not closed")
		return false
	}
	r.pos += 2 + i + len(end)
	return true
}

// declaration reads what begins with "<!".
func (r *Reader) declaration() (Kind, bool) {
	rest := r.buf[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		i := bytes.Index(rest[4:], []byte("-->"))
		if i < 0 {
			r.fail(r.pos, "a comment is not closed")
			return EOF, false
		}
		r.pos += 4 + i + 3
		return EOF, true
	case bytes.HasPrefix(rest, []byte("<![CDATA[")) && len(r.frames) > 0:
		i := bytes.Index(rest[9:], []byte("]]>"))
		if i < 0 {
			r.fail(r.pos, "a CDATA section is not closed")
			return EOF, false
		}
		r.raw, r.cdata = rest[9:9+i], true
		r.pos += 9 + i + 3
		return Text, true
	case len(rest) >= 9 && bytes.EqualFold(rest[:9], []byte("<!DOCTYPE")):
		r.err = &SyntaxError{Offset: r.pos, Reason: "a document type declaration, which no workbook has and which can hide an entity bomb,", Entity: true}
		return EOF, false
	}
	r.fail(r.pos, "an unknown declaration")
	return EOF, false
}

// endTag reads an end tag; shown tells whether the caller sees that element.
func (r *Reader) endTag() (shown, ok bool) {
	at := r.pos
	i := bytes.IndexByte(r.buf[at:], '>')
	if i < 0 {
		r.fail(at, "an end tag is not closed")
		return false, false
	}
	name := bytes.TrimRight(r.buf[at+2:at+i], " \t\r\n")
	if len(r.frames) == 0 {
		r.fail(at, "</"+clip(name)+"> closes nothing")
		return false, false
	}
	if top := r.frames[len(r.frames)-1].name; string(top) != string(name) {
		r.fail(at, "</"+clip(name)+"> stands where </"+clip(top)+"> is due")
		return false, false
	}
	r.pos = at + i + 1
	return r.pop(), true
}

// pop closes the innermost element and tells whether the caller sees it.
func (r *Reader) pop() (shown bool) {
	top := r.frames[len(r.frames)-1]
	r.frames = r.frames[:len(r.frames)-1]
	r.bindings = r.bindings[:top.bindings]
	if top.hidden {
		return false
	}
	r.depth--
	_, r.local = splitName(top.name)
	return true
}

// startTag reads a start tag with its attributes and opens the element.
func (r *Reader) startTag() bool {
	b, at := r.buf, r.pos
	i := at + 1
	for i < len(b) && !nameEnds[b[i]] {
		i++
	}
	name := b[at+1 : i]
	if len(name) == 0 {
		r.fail(at, "a '<' is followed by no name")
		return false
	}
	if len(r.frames) == 0 && r.rooted {
		r.fail(at, "a second root element")
		return false
	}
	if len(r.frames) >= maxDepth {
		r.fail(at, fmt.Sprintf("elements are nested more than %d deep", maxDepth))
		return false
	}
	f := frame{name: name, bindings: len(r.bindings)}
	r.attrs = r.attrs[:0]
	for {
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i >= len(b) {
			r.fail(at, "the document ends inside a tag")
			return false
		}
		if b[i] == '>' {
			i++
			break
		}
		if b[i] == '/' {
			if i+1 >= len(b) || b[i+1] != '>' {
				r.fail(i, "a '/' inside a tag")
				return false
			}
			i += 2
			r.selfEnd = true
			break
		}
		var ok bool
		if i, ok = r.attribute(i); !ok {
			return false
		}
	}
	r.pos, r.rooted = i, true
	r.frames = append(r.frames, f)
	r.depth++
	var prefix []byte
	prefix, r.local = splitName(name)
	r.ns = r.resolve(prefix)
	return true
}

// attribute reads the attribute at i and gives the position behind it.
func (r *Reader) attribute(i int) (int, bool) {
	b, at := r.buf, i
	for i < len(b) && !nameEnds[b[i]] {
		i++
	}
	name := b[at:i]
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if len(name) == 0 || i >= len(b) || b[i] != '=' {
		r.fail(at, "an attribute without a value")
		return i, false
	}
	for i++; i < len(b) && isSpace(b[i]); i++ {
	}
	if i >= len(b) || b[i] != '"' && b[i] != '\'' {
		r.fail(at, "an attribute whose value is not quoted")
		return i, false
	}
	n := bytes.IndexByte(b[i+1:], b[i])
	if n < 0 {
		r.fail(at, "an attribute whose value is not closed")
		return i, false
	}
	raw := b[i+1 : i+1+n]
	i += n + 2
	prefix, local := splitName(name)
	switch {
	case string(prefix) == "xmlns":
		r.bindings = append(r.bindings, binding{local, namespaceOf(raw)})
	case len(prefix) == 0 && string(local) == "xmlns":
		r.bindings = append(r.bindings, binding{nil, namespaceOf(raw)})
	case len(r.attrs) >= maxAttributes:
		r.fail(at, fmt.Sprintf("a tag has more than %d attributes", maxAttributes))
		return i, false
	default:
		r.attrs = append(r.attrs, attr{prefix, local, raw})
	}
	if len(r.bindings) > maxAttributes {
		r.fail(at, fmt.Sprintf("more than %d namespaces are declared", maxAttributes))
		return i, false
	}
	return i, true
}

// alternative decides what becomes of the element just opened where alternatives are
// concerned: an mc:AlternateContent and the branch taken are hidden, so that what they
// hold shows as children of the element around; the other branches are to be skipped.
func (r *Reader) alternative() (hidden, skip bool) {
	top := &r.frames[len(r.frames)-1]
	inside := len(r.frames) > 1 && r.frames[len(r.frames)-2].hidden &&
		bytes.HasSuffix(r.frames[len(r.frames)-2].name, []byte("AlternateContent"))
	if !inside {
		if r.ns != Compatibility || string(r.local) != "AlternateContent" {
			return false, false
		}
	} else {
		around := &r.frames[len(r.frames)-2]
		take := r.ns == Compatibility && !around.chosen &&
			(string(r.local) == "Fallback" || string(r.local) == "Choice" && r.choiceUnderstood())
		if !take {
			return false, true
		}
		around.chosen = true
	}
	top.hidden = true
	r.depth--
	return true, false
}

// choiceUnderstood reports whether everything that the mc:Choice just opened needs is
// known to us.
func (r *Reader) choiceUnderstood() bool {
	needs := bytes.Fields(r.Attr("Requires"))
	for _, prefix := range needs {
		if !r.resolve(prefix).understood() {
			return false
		}
	}
	return len(needs) > 0
}

// skipElement passes over the element just opened, which the caller is not to see.
func (r *Reader) skipElement() {
	target := len(r.frames) - 1
	for r.err == nil {
		if r.selfEnd {
			r.selfEnd = false
			r.pop()
		}
		if len(r.frames) <= target {
			return
		}
		i := bytes.IndexByte(r.buf[r.pos:], '<')
		if i < 0 {
			r.pos = len(r.buf)
			r.finish()
			return
		}
		r.pos += i
		if r.pos+1 >= len(r.buf) {
			r.fail(r.pos, "the document ends inside a tag")
			return
		}
		switch r.buf[r.pos+1] {
		case '/':
			r.endTag()
		case '?':
			r.skipTo("?>", "a processing instruction")
		case '!':
			r.declaration()
		default:
			r.startTag()
		}
	}
}

// nameEnds marks the bytes that end a name.
var nameEnds = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, '/': true, '>': true, '=': true, '<': true, '"': true, '\'': true}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func blank(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

func splitName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return name[:i], name[i+1:]
	}
	return nil, name
}

// clip makes a name fit for a message.
func clip(name []byte) string {
	const most = 40
	if len(name) > most {
		return string(bytes.ToValidUTF8(name[:most], []byte("?"))) + "…"
	}
	return string(bytes.ToValidUTF8(name, []byte("?")))
}

// IsSyntax reports whether err is a SyntaxError, and gives it.
func IsSyntax(err error) (*SyntaxError, bool) {
	var s *SyntaxError
	ok := errors.As(err, &s)
	return s, ok
}
