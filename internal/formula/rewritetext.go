package formula

// RewriteText is Parse, [Tree.Rewrite] and String without the tree: every reference r of the text, names and
// tables included, is replaced by f(r). It is for structure changes, which look at every formula of a workbook.
// It looks at words, not at grammar, and gives an error only where a word is broken. A text of
// which nothing changes comes back as it is.
//
// The r that f is given is whole: of a table reference the parts and columns can be asked, too. Where they
// cannot be read, f is not asked. A prefix of sheets that comes again and again in a text is read once.
func RewriteText(text string, f func(Reference) Reference) (string, error) {
	s := scanner{src: text}
	if !s.start() {
		return text, s.err
	}
	var t token
	var b []byte
	copied := 0
	var prefix *sheets
	for s.next(&t) {
		if t.kind == tokenEnd {
			if b == nil {
				return text, nil
			}
			return string(append(b, text[copied:]...)), nil
		}
		r := Reference{Kind: t.ref, First: t.first, Last: t.last, Trim: t.trim}
		switch t.kind {
		case tokenRef:
			if t.ref == DeletedRef {
				r.First, r.Last, r.Trim = Corner{}, Corner{}, 0
			}
		case tokenName:
			r = Reference{Kind: NameRef, Name: text[t.body:t.end]}
		case tokenTable:
			part, _, fault := decodeTable(text[t.spec:t.end])
			if fault != "" {
				continue
			}
			r = Reference{Kind: TableRef, Name: text[t.body:t.spec], table: part}
		case tokenCall:
			if t.body == t.pos {
				continue
			}
			r = Reference{Kind: NameRef, Name: text[t.body : t.end-1]}
		default:
			continue
		}
		if t.body > t.pos {
			if raw := text[t.pos:t.body]; prefix == nil || prefix.raw != raw {
				prefix = decodeSheets(raw)
			}
			r.sheets = prefix
		}
		to := f(r)
		if to == r {
			continue
		}
		if b == nil {
			b = make([]byte, 0, len(text)+16)
		}
		b = append(b, text[copied:t.pos]...)
		p := printer{b: b}
		p.reference(&to, false)
		b = p.b
		copied = t.end
		if t.kind == tokenCall {
			copied-- // its parenthesis
		}
	}
	return text, s.err
}
