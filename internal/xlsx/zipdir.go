package xlsx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
)

// The records of a zip file (APPNOTE 4.3).
const (
	localSignature     = "PK\x03\x04"
	entrySignature     = "PK\x01\x02"
	endSignature       = "PK\x05\x06"
	end64Signature     = "PK\x06\x06"
	locator64Signature = "PK\x06\x07"

	localBytes     = 30
	entryBytes     = 46
	endBytes       = 22
	end64Bytes     = 56
	locator64Bytes = 20

	maxDirectory = 64 << 20 // bytes; room for a thousand at each part that Limits allow

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3 // sizes and checksum follow the data

	methodStored   = 0
	methodDeflated = 8
)

// Part is one entry of the package, as the zip directory states it.
type Part struct {
	Name            string // as in the directory, but with slashes and without one in front
	RawName         string // as in the directory
	Method          uint16 // 0 stored, 8 deflated
	Flags           uint16
	CRC32           uint32
	CompressedBytes int64
	Bytes           int64 // uncompressed
	HeaderOffset    int64 // of the local header in the file

	data atomic.Int64 // offset of the content in the file; 0 until it was asked for
}

// directory is a zip file's list of entries.
type directory struct {
	parts  []Part
	offset int64 // where it begins in the file
	length int64
	base   int64 // where the zip file begins, from where offsets in it count
	end    int64 // where the record that ends the file begins
	// Where zip64 keeps its end record and the locator of that, 0 where it does not.
	end64, locator64 int64
}

// readDirectory reads the directory at the end of a zip file. Nothing else is read.
func readDirectory(src io.ReaderAt, size int64, limits Limits) (*directory, error) {
	tail, tailAt, end, err := findEnd(src, size)
	if err != nil {
		return nil, err
	}
	if end < 0 {
		return nil, noZip(src, size)
	}
	e := tail[end:]
	count := uint64(binary.LittleEndian.Uint16(e[10:]))
	length := uint64(binary.LittleEndian.Uint32(e[12:]))
	offset := uint64(binary.LittleEndian.Uint32(e[16:]))
	endAt := tailAt + int64(end)
	d := &directory{end: endAt}
	if at := end - locator64Bytes; at >= 0 && string(tail[at:at+4]) == locator64Signature {
		rec, at64, err := readEnd64(src, size, binary.LittleEndian.Uint64(tail[at+8:]), tailAt+int64(at))
		if err != nil {
			return nil, err
		}
		if rec != nil {
			count = binary.LittleEndian.Uint64(rec[32:])
			length = binary.LittleEndian.Uint64(rec[40:])
			offset = binary.LittleEndian.Uint64(rec[48:])
			endAt = at64
			d.end64, d.locator64 = at64, tailAt+int64(at)
		}
	}
	if length > uint64(endAt) || offset > uint64(endAt)-length {
		return nil, damaged("", endAt, "the zip directory is said to lie where it cannot: the file is cut short or was changed")
	}
	if count > uint64(limits.Parts) {
		return nil, tooLarge("", "the package has %d parts; the limit is %d", count, limits.Parts)
	}
	if length > maxDirectory {
		return nil, tooLarge("", "the zip directory has %d bytes; the limit is %s", length, mebibytes(maxDirectory))
	}
	if count > length/entryBytes {
		return nil, damaged("", endAt, "the zip directory has no room for the %d entries that are announced", count)
	}
	// A file may stand behind other bytes without its offsets telling so.
	base := endAt - int64(length) - int64(offset)
	raw, err := directoryBytes(src, tail, tailAt, base+int64(offset), int64(length))
	if err != nil {
		return nil, err
	}
	if base > 0 && !bytes.HasPrefix(raw, []byte(entrySignature)) {
		other, err := directoryBytes(src, tail, tailAt, int64(offset), int64(length))
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(other, []byte(entrySignature)) {
			raw, base = other, 0
		}
	}
	d.offset, d.length, d.base = base+int64(offset), int64(length), base
	if err := d.parse(string(raw), count, base, limits); err != nil {
		return nil, err
	}
	return d, d.checkExtents()
}

// findEnd finds the record that ends a zip file: tail[end:] begins with it, and tail
// stands at tailAt in the file. end is -1 where there is none.
func findEnd(src io.ReaderAt, size int64) (tail []byte, tailAt int64, end int, err error) {
	const near, far = 16 << 10, 64<<10 + endBytes + locator64Bytes
	for _, reach := range []int64{near, far} {
		n := min(size, reach)
		tailAt = size - n
		tail = make([]byte, n)
		if err := readAt(src, tail, tailAt); err != nil {
			return nil, 0, 0, readFailed("", tailAt, err)
		}
		for i := len(tail) - endBytes; i >= 0; i-- {
			i = bytes.LastIndex(tail[:i+4], []byte(endSignature))
			if i < 0 {
				break
			}
			if comment := int(binary.LittleEndian.Uint16(tail[i+20:])); i+endBytes+comment <= len(tail) {
				// The record in front of this one that may matter is wanted as well.
				if i >= locator64Bytes || tailAt == 0 || reach == far {
					return tail, tailAt, i, nil
				}
			}
		}
		if tailAt == 0 {
			break
		}
	}
	return nil, 0, -1, nil
}

// readEnd64 reads the zip64 end record that a locator at locatorAt points to. rec is nil
// where there is none.
func readEnd64(src io.ReaderAt, size int64, offset uint64, locatorAt int64) (rec []byte, at int64, err error) {
	rec = make([]byte, end64Bytes)
	// The record lies where it is said to, or before the locator if bytes stand in front of the file.
	for _, at := range []int64{int64(min(offset, uint64(size))), locatorAt - end64Bytes} {
		if at < 0 || at+end64Bytes > locatorAt {
			continue
		}
		if err := readAt(src, rec, at); err != nil {
			return nil, 0, readFailed("", at, err)
		}
		if string(rec[:4]) == end64Signature {
			return rec, at, nil
		}
	}
	return nil, 0, nil
}

// directoryBytes gives length bytes at offset at, from the tail where they are in it.
func directoryBytes(src io.ReaderAt, tail []byte, tailAt, at, length int64) ([]byte, error) {
	if at >= tailAt && at+length <= tailAt+int64(len(tail)) {
		return tail[at-tailAt:][:length], nil
	}
	raw := make([]byte, length)
	if err := readAt(src, raw, at); err != nil {
		return nil, readFailed("", at, err)
	}
	return raw, nil
}

// parse reads the entries. The names share the memory of raw.
func (d *directory) parse(raw string, count uint64, base int64, limits Limits) error {
	d.parts = make([]Part, count)
	total := int64(0)
	at := 0
	for i := range d.parts {
		b := raw[at:]
		if len(b) < entryBytes || b[:4] != entrySignature {
			return damaged("", d.offset+int64(at), "the zip directory holds %d entries where %d are announced", i, count)
		}
		nameLen, extraLen, commentLen := int(le16(b[28:])), int(le16(b[30:])), int(le16(b[32:]))
		if len(b) < entryBytes+nameLen+extraLen+commentLen {
			return damaged("", d.offset+int64(at), "entry %d of the zip directory is cut short", i)
		}
		p := &d.parts[i]
		p.RawName = b[entryBytes:][:nameLen]
		p.Name = partName(p.RawName)
		p.Flags, p.Method = le16(b[8:]), le16(b[10:])
		p.CRC32 = le32(b[16:])
		compressed, size, offset := uint64(le32(b[20:])), uint64(le32(b[24:])), uint64(le32(b[42:]))
		if !extended(b[entryBytes+nameLen:][:extraLen], &size, &compressed, &offset) {
			return damaged(p.Name, d.offset+int64(at), "its zip64 sizes are missing from the directory")
		}
		room := uint64(d.offset - base)
		if offset > room || compressed > room-offset || compressed+localBytes+uint64(nameLen) > room-offset {
			return damaged(p.Name, d.offset+int64(at), "it is said to lie behind the end of the file, which may be cut short")
		}
		if size > uint64(limits.TotalBytes-total) {
			return tooLarge("", "the parts of the package need more than %s when unpacked", mebibytes(limits.TotalBytes))
		}
		total += int64(size)
		p.CompressedBytes, p.Bytes, p.HeaderOffset = int64(compressed), int64(size), base+int64(offset)
		at += entryBytes + nameLen + extraLen + commentLen
	}
	if strings.HasPrefix(raw[at:], entrySignature) {
		return damaged("", d.offset+int64(at), "the zip directory holds more entries than the %d that are announced", count)
	}
	return nil
}

// extended takes the values that did not fit their 32 bits from the zip64 field.
func extended(extra string, values ...*uint64) bool {
	missing := false
	for _, v := range values {
		missing = missing || *v == 0xFFFFFFFF
	}
	for missing && len(extra) >= 4 {
		id, n := le16(extra), int(le16(extra[2:]))
		if n > len(extra)-4 {
			return false
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != 1 {
			continue
		}
		for _, v := range values {
			if *v != 0xFFFFFFFF {
				continue
			}
			if len(field) < 8 {
				return false
			}
			*v = uint64(le32(field)) | uint64(le32(field[4:]))<<32
			field = field[8:]
		}
		return true
	}
	return !missing
}

// checkExtents refuses entries that share bytes. No writer makes them; bombs do, so
// that little data unpacks many times.
func (d *directory) checkExtents() error {
	inOrder := func(a, b *Part) int {
		switch {
		case a.HeaderOffset < b.HeaderOffset:
			return -1
		case a.HeaderOffset > b.HeaderOffset:
			return 1
		}
		return 0
	}
	byOffset := make([]*Part, len(d.parts))
	for i := range d.parts {
		byOffset[i] = &d.parts[i]
	}
	slices.SortFunc(byOffset, inOrder)
	for i, p := range byOffset {
		end := d.offset
		if i+1 < len(byOffset) {
			end = byOffset[i+1].HeaderOffset
		}
		if p.HeaderOffset+localBytes+int64(len(p.RawName))+p.CompressedBytes > end {
			return damaged(p.Name, p.HeaderOffset, "it overlaps what follows it in the file, as in a zip bomb")
		}
	}
	return nil
}

// locate gives the offset of a part's content, after making sure that the local header
// and the directory agree on what it is.
func (p *Part) locate(src io.ReaderAt) (int64, error) {
	if at := p.data.Load(); at > 0 {
		return at, nil
	}
	h := make([]byte, localBytes+len(p.RawName))
	if err := readAt(src, h, p.HeaderOffset); err != nil {
		return 0, readFailed(p.Name, p.HeaderOffset, err)
	}
	if string(h[:4]) != localSignature {
		return 0, damaged(p.Name, p.HeaderOffset, "there is no local header where the directory says")
	}
	flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
	crc, compressed, size := binary.LittleEndian.Uint32(h[14:]), binary.LittleEndian.Uint32(h[18:]), binary.LittleEndian.Uint32(h[22:])
	nameLen, extraLen := int(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	differs := ""
	switch {
	case nameLen != len(p.RawName) || string(h[localBytes:]) != p.RawName:
		differs = "name"
	case method != p.Method:
		differs = "compression method"
	case flags&flagEncrypted != p.Flags&flagEncrypted:
		differs = "encryption flag"
	case flags&flagDescriptor != 0 && crc == 0 && compressed == 0 && size == 0:
		// They follow the data.
	case flags&flagDescriptor == 0 && crc != p.CRC32:
		differs = "checksum"
	case disagree(compressed, p.CompressedBytes, flags):
		differs = "compressed size"
	case disagree(size, p.Bytes, flags):
		differs = "size"
	}
	if differs != "" {
		return 0, damaged(p.Name, p.HeaderOffset, "its local header and the zip directory disagree on its %s", differs)
	}
	at := p.HeaderOffset + localBytes + int64(nameLen) + extraLen
	p.data.Store(at)
	return at, nil
}

// disagree reports whether a size in a local header contradicts the directory. A zero
// before a data descriptor and the mark of zip64 say nothing.
func disagree(local uint32, directory int64, flags uint16) bool {
	if local == 0xFFFFFFFF || local == 0 && flags&flagDescriptor != 0 {
		return false
	}
	return int64(local) != directory
}

// partName gives the name of an entry in the form in which parts are named.
func partName(raw string) string {
	if strings.Contains(raw, `\`) {
		raw = strings.ReplaceAll(raw, `\`, "/")
	}
	return strings.TrimLeft(raw, "/")
}

// readAt fills b; a source that ends earlier is an error.
func readAt(src io.ReaderAt, b []byte, at int64) error {
	n, err := src.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

func le16(s string) uint16 { return uint16(s[0]) | uint16(s[1])<<8 }

func le32(s string) uint32 { return uint32(le16(s)) | uint32(le16(s[2:]))<<16 }

// mebibytes writes a limit for people.
func mebibytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
