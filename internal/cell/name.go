package cell

import "unicode"

// BreaksName reports whether a character cannot be in a name that somebody gives to a sheet, a
// file, a fork or a checkpoint: a control character, tab and the end of a line among them,
// one at which Unicode ends a line or a paragraph, or one that turns the direction in which what stands beside it
// is shown. A name is one line, wherever it is listed, and reads as it is.
func BreaksName(r rune) bool {
	return unicode.IsControl(r) || '\u2028' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
