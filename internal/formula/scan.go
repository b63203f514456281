package formula

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// Style is a notation of cell references.
type Style uint8

// The two notations.
const (
	A1   Style = iota // B$2
	R1C1              // R2C[1]
)

// Mode says how references are written. The zero Mode is A1.
type Mode struct {
	Style Style
	// At is the cell that holds the formula. Only R1C1 needs it: relative parts count
	// from there. With At at its zero value a relative part of the tree is an offset.
	At cell.Ref
}

// Classes of bytes. Bytes above 0x7f are the work of nameRune.
const (
	isSpace = 1 << iota
	isDigit
	isName      // may stand in a name after its first character
	isNameStart // may start a name
	isRef       // after a reference, makes something else of it
)

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		switch {
		case strings.IndexByte(" \t\r\n", b) >= 0:
			t[c] = isSpace
		case b >= '0' && b <= '9':
			t[c] = isDigit | isName | isRef
		case b|0x20 >= 'a' && b|0x20 <= 'z', b == '_', b == '\\', b >= 0x80:
			t[c] = isName | isNameStart | isRef
		case b == '.', b == '?':
			t[c] = isName | isRef
		case strings.IndexByte("(![$", b) >= 0:
			t[c] = isRef
		}
	}
	return t
}()

// nameRune reports whether a character above ASCII may stand in a name.
func nameRune(r rune) bool {
	return r != utf8.RuneError && (unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So, unicode.Sc, unicode.Sk, unicode.Pc, unicode.Cf, unicode.Co) || r == '·' || r == '§' || r == '¿' || r == '¡')
}

type tokenKind uint8

const (
	tokenEnd     tokenKind = iota
	tokenNumber            //
	tokenText              // quotes included
	tokenLogical           //
	tokenError             // op is the cell.ErrorCode
	tokenRef               // ref, first, last, trim; the sheet prefix before body
	tokenName              // the sheet prefix before body
	tokenTable             // as tokenName, brackets from spec
	tokenCall              // as tokenName, "(" included
	tokenPrefix            // op
	tokenPostfix           // op
	tokenBinary            // op; an intersection spans the white space
	tokenOpen
	tokenClose
	tokenComma
	tokenSemicolon
	tokenOpenArray
	tokenCloseArray
)

// token is a word of the formula, without the white space before it.
type token struct {
	kind        tokenKind
	ref         RefKind
	op          Op
	err         cell.ErrorCode
	pos, end    int // where it is
	body        int // where it goes on behind the sheet prefix; pos without one
	spec        int // where the brackets of a table reference begin
	first, last Corner
	trim        Trim
}

// scanner cuts a formula into tokens. Whether "-" is a sign, "#" begins an error or
// a space means intersection depends on the token before, so the scanner remembers
// whether that one ended an operand.
type scanner struct {
	src     string
	at      int
	operand bool // the last token ended an operand
	mode    Mode
	err     *ParseError
}

// start checks the length and skips a leading "=".
func (s *scanner) start() bool {
	if len(s.src) > MaxLength {
		s.err = &ParseError{Offset: MaxLength, column: MaxLength + 1, Message: "the formula is longer than " + cell.NumberValue(MaxLength).String() + " bytes"}
		return false
	}
	for s.at < len(s.src) && class[s.src[s.at]]&isSpace != 0 {
		s.at++
	}
	if s.at < len(s.src) && s.src[s.at] == '=' {
		s.at++
	} else {
		s.at = 0
	}
	return true
}

func (s *scanner) fail(offset int, format string, args ...any) bool {
	if s.err == nil {
		s.err = newParseError(s.src, offset, format, args...)
	}
	return false
}

// next reads one token into t. It gives false, with s.err set, where there is none.
func (s *scanner) next(t *token) bool {
	src, before := s.src, s.at
	for s.at < len(src) && class[src[s.at]]&isSpace != 0 {
		s.at++
	}
	t.pos, t.body = s.at, s.at
	if s.at == len(src) {
		t.kind, t.end = tokenEnd, s.at
		return true
	}
	if !s.operand {
		return s.operandToken(t)
	}
	if s.at > before && s.startsOperand() {
		t.kind, t.op, t.pos, t.body, t.end = tokenBinary, OpIntersect, before, before, s.at
		s.operand = false
		return true
	}
	return s.operatorToken(t)
}

// nextByte gives the first byte of the next token, or 0 at the end.
func (s *scanner) nextByte() byte {
	for i := s.at; i < len(s.src); i++ {
		if class[s.src[i]]&isSpace == 0 {
			return s.src[i]
		}
	}
	return 0
}

// startsOperand reports whether what follows white space after an operand is an
// operand too, which makes the white space the intersection operator.
func (s *scanner) startsOperand() bool {
	c := s.src[s.at]
	if class[c]&(isNameStart|isDigit) != 0 {
		return true
	}
	switch c {
	case '$', '\'', '[', '(', '"', '{', '!', '.', '@':
		return true
	case '#':
		_, end := scanError(s.src, s.at)
		return end > 0
	}
	return false
}

// operatorToken reads what may follow an operand.
func (s *scanner) operatorToken(t *token) bool {
	c := s.src[s.at]
	s.at++
	s.operand = false
	t.kind = tokenBinary
	switch c {
	case '+':
		t.op = OpPlus
	case '-':
		t.op = OpMinus
	case '*':
		t.op = OpMultiply
	case '/':
		t.op = OpDivide
	case '^':
		t.op = OpPower
	case '&':
		t.op = OpConcat
	case '=':
		t.op = OpEqual
	case ':':
		t.op = OpRange
	case '<', '>':
		t.op = OpLess
		if c == '>' {
			t.op = OpGreater
		}
		if s.at < len(s.src) {
			if d := s.src[s.at]; d == '=' {
				t.op++ // OpLessEqual, OpGreaterEqual
				s.at++
			} else if c == '<' && d == '>' {
				t.op = OpNotEqual
				s.at++
			}
		}
	case '%':
		t.kind, t.op, s.operand = tokenPostfix, OpPercent, true
	case '#':
		t.kind, t.op, s.operand = tokenPostfix, OpSpill, true
	case '(':
		t.kind = tokenOpen
	case ')':
		t.kind, s.operand = tokenClose, true
	case ',':
		t.kind = tokenComma
	case ';':
		t.kind = tokenSemicolon
	case '}':
		t.kind, s.operand = tokenCloseArray, true
	default:
		r, _ := utf8.DecodeRuneInString(s.src[t.pos:])
		return s.fail(t.pos, "expected an operator, found %s", describe(r))
	}
	t.end = s.at
	return true
}

// operandToken reads what may stand where an operand is expected. The tokens that
// may not (a closing parenthesis, a comma) come back too: the parser knows whether an
// argument may be empty there.
func (s *scanner) operandToken(t *token) bool {
	src, i := s.src, s.at
	c := src[i]
	if class[c]&isNameStart != 0 || c == '$' {
		return s.word(t)
	}
	if class[c]&isDigit != 0 || c == '.' {
		return s.number(t)
	}
	s.at++
	switch c {
	case '"':
		n := textEnd(src[i:])
		if n == 0 {
			return s.fail(i, "the text that begins here has no closing quote,")
		}
		t.kind, s.at, s.operand = tokenText, i+n, true
	case '\'', '[', '!':
		s.at = i
		return s.qualified(t)
	case '#':
		code, end := scanError(src, i)
		if end < 0 {
			return s.fail(i, "unknown error value")
		}
		if code == cell.ErrRef && end < len(src) {
			// The sheet was deleted: #REF!A1, or the cell too: #REF!#REF!.
			_, second := scanError(src, end)
			if class[src[end]]&(isNameStart|isDigit) != 0 || src[end] == '$' || second > 0 {
				return s.afterSheets(t, end)
			}
		}
		t.kind, t.err, s.at, s.operand = tokenError, code, end, true
		if code == cell.ErrRef {
			t.kind, t.ref = tokenRef, DeletedRef
		}
	case '+':
		t.kind, t.op = tokenPrefix, OpPlus
	case '-':
		t.kind, t.op = tokenPrefix, OpMinus
	case '@':
		t.kind, t.op = tokenPrefix, OpImplicit
	case '(':
		t.kind = tokenOpen
	case ')':
		t.kind, s.operand = tokenClose, true
	case ',':
		t.kind = tokenComma
	case ';':
		t.kind = tokenSemicolon
	case '{':
		t.kind = tokenOpenArray
	case '}':
		t.kind, s.operand = tokenCloseArray, true
	default:
		r, _ := utf8.DecodeRuneInString(src[i:])
		return s.fail(i, "expected a value or reference, found %s", describe(r))
	}
	t.end = s.at
	return true
}

// describe names a character that is out of place, with a word on those that come in
// with pasted text.
func describe(r rune) string {
	switch r {
	case '“', '”', '„', '‘', '’':
		return string(r) + ` (texts take straight quotes: "text")`
	case '\u00a0', '\u202f', '\u3000':
		return "a special space (use an ordinary one)"
	case '−', '–', '—':
		return string(r) + " (minus is -)"
	case '×', '÷', '≤', '≥', '≠':
		return string(r) + " (the operators are + - * / ^ & = <> < <= > >=)"
	case utf8.RuneError:
		return "a byte that is no UTF-8"
	}
	return string(r)
}

// number reads a number, or the rows 1:5.
func (s *scanner) number(t *token) bool {
	if end := s.reference(t, s.at); end > 0 {
		t.kind, t.end, s.at, s.operand = tokenRef, end, end, true
		return true
	}
	src := s.src
	i := s.at + numberEnd(src[s.at:])
	if i == s.at {
		return s.fail(s.at, "expected a value or reference, found .")
	}
	if i < len(src) && class[src[i]]&isName != 0 || i < len(src) && src[i] == '!' {
		// 2019!A1: a sheet name that should have quotes but does not.
		if end := s.sheets(s.at); end > 0 {
			return s.afterSheets(t, end)
		}
		return s.fail(i, "expected an operator after the number")
	}
	t.kind, t.end, s.at, s.operand = tokenNumber, i, i, true
	return true
}

// numberEnd gives the length of the number that src begins with, 0 where it does with none.
func numberEnd(src string) int {
	i := digits(src, 0)
	n := i
	if i < len(src) && src[i] == '.' {
		i = digits(src, i+1)
		n = i - 1
	}
	if n == 0 {
		return 0
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		exponent := i + 1
		if exponent < len(src) && (src[exponent] == '+' || src[exponent] == '-') {
			exponent++
		}
		if end := digits(src, exponent); end > exponent {
			i = end
		}
	}
	return i
}

// digits gives where the digits from i on end.
func digits(src string, i int) int {
	for i < len(src) && class[src[i]]&isDigit != 0 {
		i++
	}
	return i
}

// textEnd gives the length of the text literal that src begins with, 0 where it does with none.
func textEnd(src string) int {
	if src == "" || src[0] != '"' {
		return 0
	}
	for i := 1; ; {
		n := strings.IndexByte(src[i:], '"')
		if n < 0 {
			return 0
		}
		if i += n + 1; i == len(src) || src[i] != '"' {
			return i
		}
		i++
	}
}

// word reads what begins with a letter or a "$": a reference, a sheet prefix, a
// function, a table, a logical or a name.
func (s *scanner) word(t *token) bool {
	if end := s.reference(t, s.at); end > 0 {
		t.kind, t.end, s.at, s.operand = tokenRef, end, end, true
		return true
	}
	if s.src[s.at] == '$' {
		return s.fail(s.at, "expected a cell, a column or a row after $")
	}
	end := s.nameEnd(s.at)
	if end == s.at {
		r, _ := utf8.DecodeRuneInString(s.src[s.at:])
		return s.fail(s.at, "expected a value or reference, found %s", describe(r))
	}
	if end < len(s.src) && (s.src[end] == '!' || s.src[end] == ':') {
		if end := s.sheets(s.at); end > 0 {
			return s.afterSheets(t, end)
		}
	}
	return s.named(t, end)
}

// named finishes a token whose name goes from t.body to end.
func (s *scanner) named(t *token, end int) bool {
	src := s.src
	t.kind, s.operand = tokenName, true
	if end < len(src) {
		switch src[end] {
		case '(':
			t.kind, s.operand = tokenCall, false
			end++
		case '[':
			t.kind, t.spec = tokenTable, end
			if end = bracketEnd(src, end); end < 0 {
				return s.fail(t.spec, "the table reference that begins here has no closing bracket,")
			}
		}
	}
	if t.kind == tokenName && t.body == t.pos {
		if n := end - t.pos; n == 4 && strings.EqualFold(src[t.pos:end], "TRUE") || n == 5 && strings.EqualFold(src[t.pos:end], "FALSE") {
			t.kind = tokenLogical
		}
	}
	t.end, s.at = end, end
	return true
}

// nameEnd gives the end of the name that begins at i.
func (s *scanner) nameEnd(i int) int {
	for i < len(s.src) && class[s.src[i]]&isName != 0 {
		if s.src[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s.src[i:])
		if !nameRune(r) {
			break
		}
		i += n
	}
	return i
}

// scanError reads an error literal at src[i], in either case. end is -1 if there is none.
func scanError(src string, i int) (code cell.ErrorCode, end int) {
	if src[i] != '#' {
		return 0, -1
	}
	for code = cell.ErrNull; code <= cell.ErrCirc; code++ {
		literal := code.String()
		if end = i + len(literal); end > len(src) || !strings.EqualFold(src[i:end], literal) {
			continue
		}
		// #N/A and #GETTING_DATA have no mark that ends them.
		if class[literal[len(literal)-1]]&isNameStart == 0 || end == len(src) || class[src[end]]&isName == 0 {
			return code, end
		}
	}
	return 0, -1
}
