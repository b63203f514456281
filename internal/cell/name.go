package cell

import "unicode"

// BreaksName reports whether a character cannot be in a name that somebody gives to a sheet, a
// file, a fork or a checkpoint: a control character, tab and the end of a line among them, or
// one at which Unicode ends a line or a paragraph. A name is one line, wherever it is listed.
func BreaksName(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
