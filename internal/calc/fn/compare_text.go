package fn

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CompareText orders texts as Excel does, without regard to case. It is the order of
// Windows for English ("word sort"): spaces and punctuation, then other symbols, digits,
// and letters. An accent counts only where the texts are otherwise the same, and so does
// a hyphen or an apostrophe: co-op stands beside coop, after it. It gives zero for texts
// of the same [FoldText] and for no others.
//
// The order of the ASCII symbols is that of Microsoft's article on sorting in Excel, "Sort
// data in a range or table", except that digits come behind all of them.
func CompareText(a, b string) int {
	for i := 0; ; i++ {
		if i == len(a) || i == len(b) {
			return cmp.Compare(len(a), len(b))
		}
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
			return compareFull(a, b)
		}
		u, v := asciiWeights[x], asciiWeights[y]
		if u == 0 || v == 0 {
			return compareFull(a, b)
		}
		if u == v {
			continue
		}
		return cmp.Compare(u, v)
	}
}

// asciiOrder are the characters that count, each group the same but for case.
const asciiOrder = "\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f" +
	"\t\n\v\f\r !\"#$%&()*,./:;?@[\\]^_`{|}~+<=>0123456789abcdefghijklmnopqrstuvwxyz"

// asciiWeights are the places in that order; hyphen, apostrophe and NUL have none.
var asciiWeights = func() (w [utf8.RuneSelf]uint8) {
	for i := range len(asciiOrder) {
		w[asciiOrder[i]] = uint8(i + 1)
	}
	for c := 'A'; c <= 'Z'; c++ {
		w[c] = w[c-'A'+'a']
	}
	return w
}()

// letters goes through a text and gives the weights of its characters one by one.
type letters struct {
	s       string
	pending string // what is left of a character that stands for two
}

// next gives the weight of the next character that counts: its letter, and its accents
// added up. Without one the weight is 0.
func (l *letters) next() (weight, accents uint32) {
	for {
		if l.pending != "" {
			weight, l.pending = uint32(asciiWeights[l.pending[0]]), l.pending[1:]
			return weight, 0
		}
		if l.s == "" {
			return 0, 0
		}
		r, n := utf8.DecodeRuneInString(l.s)
		l.s = l.s[n:]
		if r = foldRune(r); r < utf8.RuneSelf {
			if weight = uint32(asciiWeights[r]); weight == 0 {
				continue
			}
			return weight, l.marks()
		}
		if two := ligatures[r]; two != "" {
			l.pending = two
			continue
		}
		var buf [utf8.UTFMax]byte
		if d := norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition(); d != nil {
			base, size := utf8.DecodeRune(d)
			for _, m := range string(d[size:]) {
				accents = accents*31 + uint32(m)
			}
			r = base
		}
		if unicode.Is(unicode.Mn, r) || r == '\u00ad' {
			continue // an accent without its letter, or a soft hyphen
		}
		return runeWeight(r), accents + l.marks()
	}
}

// marks takes the accents that follow as characters of their own.
func (l *letters) marks() (accents uint32) {
	for l.s != "" && l.s[0] >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(l.s)
		if !unicode.Is(unicode.Mn, r) {
			break
		}
		accents, l.s = accents*31+uint32(r), l.s[n:]
	}
	return accents
}

// ligatures are characters that are sorted as two.
var ligatures = map[rune]string{'æ': "ae", 'œ': "oe", 'ß': "ss", 'þ': "th", 'ĳ': "ij", 'ﬁ': "fi", 'ﬂ': "fl"}

// strokes are letters that Unicode does not take apart, and the ones they are sorted as.
var strokes = map[rune]byte{'ø': 'o', 'đ': 'd', 'ð': 'd', 'ħ': 'h', 'ı': 'i', 'ł': 'l', 'ŧ': 't'}

// Where characters outside of ASCII stand: symbols before the digits, letters and whatever
// else behind z, by their code.
const (
	symbolWeights = 1 << 24
	digitWeights  = 2 << 24
	letterWeights = 3 << 24
)

// runeWeight gives the place of a character that is no accent, in small letters.
func runeWeight(r rune) uint32 {
	if r < utf8.RuneSelf {
		return uint32(asciiWeights[r])
	}
	if c := strokes[r]; c != 0 {
		return uint32(asciiWeights[c])
	}
	if unicode.IsSpace(r) {
		return uint32(asciiWeights[' '])
	}
	if unicode.IsPunct(r) || unicode.IsSymbol(r) {
		return symbolWeights + uint32(r)
	}
	return letterWeights + uint32(r)
}

// place brings weights of all characters into one order: those of ASCII are small numbers.
func place(w uint32) uint32 {
	switch {
	case w == 0 || w >= symbolWeights:
		return w
	case w < uint32(asciiWeights['0']):
		return w
	case w < uint32(asciiWeights['a']):
		return digitWeights + w
	}
	return letterWeights + w
}

// compareFull compares texts in which more than ASCII letters may decide.
func compareFull(a, b string) int {
	x, y := letters{s: a}, letters{s: b}
	accent := 0
	for {
		u, au := x.next()
		v, av := y.next()
		if u != v {
			return cmp.Compare(place(u), place(v))
		}
		if accent == 0 {
			accent = cmp.Compare(au, av)
		}
		if u == 0 {
			break
		}
	}
	if accent != 0 {
		return accent
	}
	// What is left are hyphens and apostrophes, and other ways to write the same.
	if d := cmp.Compare(skipped(a), skipped(b)); d != 0 {
		return d
	}
	return strings.Compare(FoldText(a), FoldText(b))
}

// skipped counts the characters of s that do not count.
func skipped(s string) (n int) {
	for i := range len(s) {
		if s[i] < utf8.RuneSelf && asciiWeights[s[i]] == 0 {
			n++
		}
	}
	return n
}
