package vba

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// codePages are the character encodings of Windows and the Mac by number. Those of the
// Mac's other scripts are not among them. 0 is what Windows calls the system's own.
var codePages = map[uint16]encoding.Encoding{
	0: charmap.Windows1252, 437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852, 855: charmap.CodePage855, 858: charmap.CodePage858,
	860: charmap.CodePage860, 862: charmap.CodePage862, 863: charmap.CodePage863, 865: charmap.CodePage865, 866: charmap.CodePage866,
	874: charmap.Windows874, 932: japanese.ShiftJIS, 936: simplifiedchinese.GBK, 949: korean.EUCKR, 950: traditionalchinese.Big5,
	1250: charmap.Windows1250, 1251: charmap.Windows1251, 1252: charmap.Windows1252, 1253: charmap.Windows1253, 1254: charmap.Windows1254,
	1255: charmap.Windows1255, 1256: charmap.Windows1256, 1257: charmap.Windows1257, 1258: charmap.Windows1258,
	10000: charmap.Macintosh, 10001: japanese.ShiftJIS, 10002: traditionalchinese.Big5, 10003: korean.EUCKR, 10007: charmap.MacintoshCyrillic,
	10008: simplifiedchinese.GBK, 20866: charmap.KOI8R, 21866: charmap.KOI8U, 28591: charmap.ISO8859_1, 28592: charmap.ISO8859_2,
	28595: charmap.ISO8859_5, 28597: charmap.ISO8859_7, 28605: charmap.ISO8859_15, 51932: japanese.EUCJP, 51949: korean.EUCKR, 54936: simplifiedchinese.GB18030,
}

// utf8Page is UTF-8 as a code page.
const utf8Page = 65001

// KnownCodePage reports whether text in that code page is read rightly. In that of
// another one, everything but ASCII comes out as U+FFFD.
func KnownCodePage(page uint16) bool { return page == utf8Page || codePages[page] != nil }

// decode gives the text that b is in a code page. What is no text in it becomes U+FFFD.
func decode(b []byte, page uint16) string {
	ascii := true
	for _, c := range b {
		ascii = ascii && c < 0x80
	}
	e := codePages[page]
	if ascii || e == nil {
		if page == utf8Page || ascii {
			return strings.ToValidUTF8(string(b), "\uFFFD")
		}
		var s strings.Builder
		for _, c := range b {
			if c < 0x80 {
				s.WriteByte(c)
			} else {
				s.WriteRune('\uFFFD')
			}
		}
		return s.String()
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		// No decoder of the table fails; were one to, its text is worth more than nothing.
		return strings.ToValidUTF8(string(text), "\uFFFD")
	}
	return string(text)
}

// decodeUTF16 gives the text that b is in UTF-16, low byte first.
func decodeUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
	}
	return string(utf16.Decode(units))
}
