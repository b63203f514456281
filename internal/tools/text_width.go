package tools

import (
	"unicode"
	"unicode/utf8"
)

// latinWidths are the widths of the characters from space to ~ in the usual font (Calibri, and Carlito, which is made to
// be as wide), in hundredths of a digit's.
var latinWidths = [...]uint8{
	45, 64, 79, 98, 100, 141, 135, 44, 60, 60, 98, 98, 49, 60, 50, 76,
	100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 53, 53, 98, 98, 98, 91,
	176, 114, 107, 105, 121, 96, 91, 124, 123, 50, 63, 103, 83, 169, 127, 131,
	102, 133, 107, 91, 96, 127, 112, 176, 102, 96, 92, 61, 76, 61, 98, 98,
	57, 95, 104, 83, 104, 98, 60, 93, 104, 45, 47, 90, 45, 158, 104, 104,
	104, 104, 69, 77, 66, 104, 89, 141, 85, 89, 78, 62, 91, 62, 98,
}

// unhinted is how much wider a digit of the usual font is than the 7 pixels that widths of columns count with, where a program draws
// it as it is designed.
const unhinted = 1.06

// boldWidth is how much wider bold text is.
const boldWidth = 1.04

// widthOf is about how wide the widest line of a text is in the usual font at its usual size, in digits of 7 pixels.
func widthOf[T string | []byte](text T) float64 {
	widest, line := 0, 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			switch {
			case c >= ' ' && c <= '~':
				line += int(latinWidths[c-' '])
			case c == '\n':
				widest, line = max(widest, line), 0
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		i += n
		switch {
		case unicode.Is(unicode.Mn, r):
		case wide(r):
			line += 200
		default:
			line += 105
		}
	}
	return float64(max(widest, line)) / 100 * unhinted
}

// wide reports whether a character is as wide as it is high, as those of East Asia and pictures are.
func wide(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return true
	}
	return false
}
