package intake

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// A Format is what a file is, by its content.
type Format string

const (
	XLSX Format = "xlsx" // .xlsx, .xlsm, .xltx, .xltm, .xlam
	XLSB Format = "xlsb"
	XLS  Format = "xls" // BIFF in a compound file
	ODS  Format = "ods" // .ods, .ots
)

// Reason is why a file is refused.
type Reason string

const (
	// NotWorkbook: it is no workbook of a known format.
	NotWorkbook Reason = "not_workbook"
	// OtherFormat: it is a workbook, but of a format that was not asked for.
	OtherFormat Reason = "other_format"
	// Damaged: it begins like a workbook, and cannot be read.
	Damaged Reason = "damaged"
	// Encrypted: it needs a password.
	Encrypted Reason = "encrypted"
	// TooLarge: it is larger than the limits, packed or unpacked.
	TooLarge Reason = "too_large"
)

// An Error says why a file is refused. Errors of reading it at all are those of package os.
type Error struct {
	Reason Reason
	Format Format // of OtherFormat: what it is
	Detail string
}

func (e *Error) Error() string { return "the file is not for LibreOffice: " + e.Detail }

func refuse(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// Limits bound a file. A field that is 0 is that of [DefaultLimits].
type Limits struct {
	FileBytes     int64 // of the file
	UnpackedBytes int64 // of all entries of a package together
	EntryBytes    int64 // of one entry
	Entries       int
	// Ratio is how many times larger than the file its entries may be. DEFLATE ends at 1032;
	// sheets that say much the same in each row come to a hundred. Up to RatioFree bytes are not
	// looked at so.
	Ratio     int64
	RatioFree int64
}

// DefaultLimits are wide enough for what LibreOffice can work with in some minutes.
func DefaultLimits() Limits {
	return Limits{FileBytes: 256 << 20, UnpackedBytes: 2 << 30, EntryBytes: 1 << 30, Entries: 20000, Ratio: 200, RatioFree: 64 << 20}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ got, def *int64 }{
		{&l.FileBytes, &d.FileBytes}, {&l.UnpackedBytes, &d.UnpackedBytes}, {&l.EntryBytes, &d.EntryBytes}, {&l.Ratio, &d.Ratio}, {&l.RatioFree, &d.RatioFree},
	} {
		if *f.got == 0 {
			*f.got = *f.def
		}
	}
	if l.Entries == 0 {
		l.Entries = d.Entries
	}
	return l
}

// Check says whether LibreOffice may be shown the file at path as an .xlsx workbook, within the
// default limits. The error is an [*Error] or one of reading.
func Check(path string) error {
	_, err := Limits{}.Check(path, XLSX)
	return err
}

// Check says what the file at path is, if it is one of the formats wanted (none is: any of them)
// and LibreOffice may be shown it. It reads all of the file.
func (l Limits) Check(path string, wanted ...Format) (Format, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w, err := l.orDefault().open(f, wanted)
	if err != nil {
		return "", err
	}
	if w.zip != nil {
		err = w.unpackAll(less{})
	}
	return w.format, err
}

// A workbook is a file that has passed what can be seen without unpacking it.
type workbook struct {
	format Format
	limits Limits
	size   int64
	src    io.ReaderAt
	zip    *zip.Reader // nil where the file is none

	main       string          // the part of the workbook, where it is one of Office's
	sparklines map[string]bool // the entries of sheets with some, once all is unpacked
}

func (l Limits) open(f *os.File, wanted []Format) (*workbook, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, refuse(NotWorkbook, "it is no regular file")
	case info.Size() == 0:
		return nil, refuse(NotWorkbook, "it is empty") // LibreOffice would make a new workbook of it
	case info.Size() > l.FileBytes:
		return nil, refuse(TooLarge, "it has %d bytes, more than %d", info.Size(), l.FileBytes)
	}
	w := &workbook{limits: l, size: info.Size(), src: f, sparklines: map[string]bool{}}
	var magic [8]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	switch {
	case string(magic[:]) == "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
		w.format, err = XLS, checkCompound(f)
	case string(magic[:4]) == "PK\x03\x04":
		err = w.openZip(f)
	default:
		err = refuse(NotWorkbook, "it is neither a zip package nor a compound file")
	}
	if err != nil {
		return nil, err
	}
	if len(wanted) > 0 && !slices.Contains(wanted, w.format) {
		return nil, &Error{Reason: OtherFormat, Format: w.format, Detail: fmt.Sprintf("it is of the format %s, not %s", w.format, join(wanted))}
	}
	return w, nil
}

func join(formats []Format) string {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	return strings.Join(names, " or ")
}

// openZip reads the directory of a package, and what kind of package it is.
func (w *workbook) openZip(f io.ReaderAt) error {
	z, err := zip.NewReader(f, w.size)
	if err != nil {
		return refuse(Damaged, "its directory cannot be read: %v", err)
	}
	if len(z.File) > w.limits.Entries {
		return refuse(TooLarge, "it has %d entries, more than %d", len(z.File), w.limits.Entries)
	}
	w.zip = z
	var packed, unpacked uint64
	names := make(map[string]bool, len(z.File))
	for _, e := range z.File {
		packed += min(e.CompressedSize64, 1<<50)
		unpacked += min(e.UncompressedSize64, 1<<50)
		// Two programs that read the same package must find the same in it.
		key := strings.ToLower(e.Name)
		switch {
		case names[key]:
			return refuse(Damaged, "it has two entries %q", e.Name)
		case strings.ContainsAny(e.Name, "\\\x00") || strings.HasPrefix(e.Name, "/") || slices.Contains(strings.Split(e.Name, "/"), ".."):
			return refuse(Damaged, "it has an entry %q", e.Name)
		case e.Flags&1 != 0:
			return refuse(Encrypted, "its entry %q is encrypted", e.Name)
		case e.Method != zip.Store && e.Method != zip.Deflate:
			return refuse(Damaged, "its entry %q is packed by method %d", e.Name, e.Method)
		case e.UncompressedSize64 > uint64(w.limits.EntryBytes):
			return refuse(TooLarge, "its entry %q has %d bytes, more than %d", e.Name, e.UncompressedSize64, w.limits.EntryBytes)
		}
		names[key] = true
	}
	if packed > uint64(w.size) {
		return refuse(Damaged, "its entries overlap")
	}
	if err := w.checkUnpacked(int64(min(unpacked, 1<<62))); err != nil {
		return err
	}
	w.format, err = w.kind(names)
	return err
}

// checkUnpacked compares what the entries have together with what they may have.
func (w *workbook) checkUnpacked(n int64) error {
	switch {
	case n > w.limits.UnpackedBytes:
		return refuse(TooLarge, "unpacked it has %d bytes, more than %d", n, w.limits.UnpackedBytes)
	case n > w.limits.RatioFree && n/w.limits.Ratio > w.size:
		return refuse(TooLarge, "unpacked it has %d bytes, more than %d times those of the file", n, w.limits.Ratio)
	}
	return nil
}

// unpackAll unpacks everything of which all is shown, to see whether it is as large as it says and whole.
func (w *workbook) unpackAll(left less) error {
	for _, e := range w.zip.File {
		if _, ok := left.rows[e.Name]; ok || left.gone(e.Name) {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return refuse(Damaged, "its entry %q: %v", e.Name, err)
		}
		out := io.Discard
		groups := finder{text: groupsName}
		if w.format == XLSX && mayHaveSparklines(e.Name) {
			out = &groups
		}
		n, err := io.Copy(out, io.LimitReader(r, int64(e.UncompressedSize64)+1))
		r.Close()
		if err != nil || n != int64(e.UncompressedSize64) {
			return refuse(Damaged, "its entry %q is not as it says: %d bytes, %v", e.Name, n, err)
		}
		w.sparklines[e.Name] = groups.found
	}
	return nil
}

// smallMax bounds an entry that says what a package is, or what it links to.
const smallMax = 16 << 20

// part reads a small entry; nil where there is none.
func (w *workbook) part(name string) ([]byte, error) {
	for _, e := range w.zip.File {
		if e.Name == name {
			return readEntry(e, smallMax)
		}
	}
	return nil, nil
}

func readEntry(e *zip.File, most int64) ([]byte, error) {
	r, err := e.Open()
	if err != nil {
		return nil, refuse(Damaged, "its entry %q: %v", e.Name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, refuse(Damaged, "its entry %q: %v", e.Name, err)
	case int64(len(text)) > most:
		return nil, refuse(TooLarge, "its entry %q has more than %d bytes", e.Name, most)
	}
	return text, nil
}

// checkCompound tells an old workbook from an encrypted one and from other compound files, by
// the names in the directory, which are UTF-16. Where a directory has a name is not asked: a
// file that has both is none.
func checkCompound(f io.ReaderAt) error {
	const most = 64 << 20
	content, err := io.ReadAll(io.NewSectionReader(f, 0, most))
	if err != nil {
		return err
	}
	has := func(name string) bool {
		var b []byte
		for _, c := range name + "\x00" {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
		return bytes.Contains(content, b)
	}
	switch {
	case has("EncryptedPackage") || has("EncryptionInfo"):
		return refuse(Encrypted, "it needs a password")
	case !has("Workbook") && !has("Book"):
		return refuse(NotWorkbook, "it is a compound file without a workbook")
	case filePass(content):
		return refuse(Encrypted, "it needs a password")
	}
	return nil
}

// filePass looks for the record FILEPASS in the first records of a workbook's stream, which
// begins with a BOF record at the start of a sector. See [MS-XLS] 2.4.117.
func filePass(content []byte) bool {
	const sector, bof, eof, pass = 512, 0x0809, 0x000a, 0x002f
	for at := sector; at+8 <= len(content); at += sector {
		if binary.LittleEndian.Uint16(content[at:]) != bof || binary.LittleEndian.Uint16(content[at+6:]) != 5 {
			continue // 5 is a workbook's, and not a sheet's
		}
		// The record is among the first, so that it lies in the sectors that follow.
		for p := at; p+4 <= len(content) && p < at+16*sector; {
			kind, size := binary.LittleEndian.Uint16(content[p:]), binary.LittleEndian.Uint16(content[p+2:])
			switch kind {
			case pass:
				return true
			case eof:
				p = len(content)
			}
			p += 4 + int(size)
		}
	}
	return false
}
