package workspace

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// idAlphabet leaves out the characters that are read as one another.
const idAlphabet = "23456789abcdefghijkmnpqrstuvwxyz"

// shortID gives ten characters for a text: the first eight bytes of its SHA-256, five
// bits at a time from the top. It is the scheme of spreadsheet-mcp, so that ids which
// a client has kept go on working.
func shortID(text string) string {
	sum := sha256.Sum256([]byte(text))
	bits := binary.BigEndian.Uint64(sum[:8])
	var id [10]byte
	for i := range id {
		id[i] = idAlphabet[bits>>(59-5*i)&31]
	}
	return string(id[:])
}

// legacyID gives the id that older versions of spreadsheet-mcp made of a file, which
// changes with every change of the file.
func legacyID(path string, size int64, mod time.Time) string {
	return shortID(fmt.Sprintf("%s%d%s", path, size, mod.UTC().Format("2006-01-02T15:04:05.000000Z07:00")))
}
