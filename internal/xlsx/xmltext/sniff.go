package xmltext

import "bytes"

// IsUTF8 reports whether ToUTF8 would give a document that begins with head as it is,
// but for a byte order mark: whether it can be read without being converted.
func IsUTF8(head []byte) bool {
	if bytes.HasPrefix(head, bom) {
		return true
	}
	if len(head) >= 2 && (head[0] == 0 || head[1] == 0 || head[0] >= 0xFE) {
		return false
	}
	switch foldEncoding(declaredEncoding(head)) {
	case "", "utf8", "utf16", "ascii", "usascii":
		return true
	}
	return false
}
