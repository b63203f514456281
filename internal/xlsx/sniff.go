package xlsx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// compoundMagic begins an OLE compound file: an old workbook, or an encrypted new one.
const compoundMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"

const hintSaveAs = "Open it in a spreadsheet program and save it as .xlsx."

// noZip says what a file is that is no zip file.
func noZip(src io.ReaderAt, size int64) *Error {
	e := &Error{Code: Unreadable, Offset: -1}
	if size == 0 {
		e.Message, e.Hint = "the file is empty", "Check that the file was written completely."
		return e
	}
	head := make([]byte, min(size, 512))
	if err := readAt(src, head, 0); err != nil {
		return readFailed("", 0, err)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := bytes.ToLower(text)
	starts := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(lower, []byte(p)) {
				return true
			}
		}
		return false
	}
	switch {
	case bytes.HasPrefix(head, []byte(compoundMagic)):
		return compoundFile(src, size, head)
	case bytes.HasPrefix(head, []byte(localSignature)):
		e.Message = "the file is cut short: it begins as a workbook does, but the zip directory at its end is missing"
		e.Hint = "Copy or download the file again."
	case starts("<!doctype html", "<html", "<table", "<head", "<body"):
		e.Code = Unsupported
		e.Message = "the file is an HTML page and not a workbook"
		e.Hint = "If it was downloaded, the page may be an error or a sign-in; else open it in a spreadsheet program and save it as .xlsx."
	case starts("<?xml", "<workbook") && bytes.Contains(head, []byte("urn:schemas-microsoft-com:office:spreadsheet")):
		e.Code, e.Message, e.Hint = Unsupported, "the file is an XML Spreadsheet 2003", hintSaveAs
	case starts("%pdf-"):
		e.Code, e.Message, e.Hint = Unsupported, "the file is a PDF document", "Ask for the workbook itself."
	case len(head) >= 4 && head[0] == 0x09 && head[1]&^0x0E == 0 && head[3] == 0:
		e.Code, e.Message, e.Hint = Unsupported, "the file is a workbook of Excel 4 or older", hintSaveAs
	case plainText(head):
		e.Message = fmt.Sprintf("not a workbook: it is text that starts with %q", clipText(text))
		e.Hint = "If it holds delimited values, name it .csv or .tsv."
	default:
		e.Message = fmt.Sprintf("not a workbook: it starts with the bytes % X", head[:min(len(head), 8)])
		e.Hint = "A workbook is a .xlsx or .xlsm file; check what this file is."
	}
	return e
}

// plainText reports whether the beginning of a file looks like text.
func plainText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' {
			return false
		}
	}
	return true
}

// clipText gives the beginning of a text for a message.
func clipText(text []byte) string {
	n := 0
	for n < len(text) && n < 24 && text[n] != '\n' && text[n] != '\r' {
		_, w := utf8.DecodeRune(text[n:])
		n += w
	}
	return string(text[:n])
}

// compoundFile tells the formats that live in compound files apart.
func compoundFile(src io.ReaderAt, size int64, head []byte) *Error {
	streams := compoundStreams(src, size, head)
	e := &Error{Code: Unsupported, Offset: -1, Hint: hintSaveAs}
	switch {
	case streams["EncryptedPackage"]:
		e.Code = Encrypted
		e.Message = "the workbook is encrypted: it opens with a password only"
		e.Hint = "Open it in a spreadsheet program, remove the password and save it."
	case streams["Workbook"], streams["Book"]:
		e.Message = "the file is a workbook of Excel 97-2003 (.xls)"
	case streams["WordDocument"]:
		e.Message, e.Hint = "the file is a Word document", "Ask for a workbook."
	default:
		e.Message = "the file is an OLE compound file, which is no .xlsx or .xlsm workbook"
	}
	return e
}

// compoundStreams gives the names in the directory of a compound file ([MS-CFB] 2.6),
// as many as can be had with bounded work. A broken file gives fewer.
func compoundStreams(src io.ReaderAt, size int64, head []byte) map[string]bool {
	const (
		maxSectors = 64  // of the directory that are looked at
		headerFATs = 109 // FAT sectors listed in the header
		last       = 0xFFFFFFFA
	)
	names := make(map[string]bool)
	if len(head) < 512 {
		return names
	}
	shift := binary.LittleEndian.Uint16(head[30:])
	if shift != 9 && shift != 12 {
		return names
	}
	bytesPerSector := int64(1) << shift
	sector := make([]byte, bytesPerSector)
	read := func(n uint32, b []byte, within int64) bool {
		at := (int64(n)+1)<<shift + within
		return n < last && at+int64(len(b)) <= size && readAt(src, b, at) == nil
	}
	entry := make([]byte, 4)
	n := binary.LittleEndian.Uint32(head[48:])
	for range maxSectors {
		// The last sector of a small file may be cut short.
		within := size - (int64(n)+1)<<shift
		if n >= last || within <= 0 {
			break
		}
		b := sector[:min(bytesPerSector, within)]
		if !read(n, b, 0) {
			break
		}
		for ; len(b) >= 128; b = b[128:] {
			if l := int(binary.LittleEndian.Uint16(b[64:])); l >= 2 && l <= 64 && b[66] != 0 {
				units := make([]uint16, l/2-1)
				for i := range units {
					units[i] = binary.LittleEndian.Uint16(b[2*i:])
				}
				names[string(utf16.Decode(units))] = true
			}
		}
		perFAT := uint32(bytesPerSector / 4)
		if n/perFAT >= headerFATs {
			break
		}
		fat := binary.LittleEndian.Uint32(head[76+4*(n/perFAT):])
		if !read(fat, entry, int64(n%perFAT)*4) {
			break
		}
		n = binary.LittleEndian.Uint32(entry)
	}
	return names
}
