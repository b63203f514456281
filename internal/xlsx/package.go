package xlsx

import (
	"errors"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"sync"

	"gridflow/internal/xlsx/inflate"
	"gridflow/internal/xlsx/xmltext"
)

// Package is an OPC package: named parts in a zip file. It may be used from any number
// of goroutines. It holds the directory only; contents are read when asked for, and the
// source must stay as it is for as long as that may happen.
type Package struct {
	src    io.ReaderAt
	size   int64
	limits Limits
	dir    *directory
	byName map[string]int32
}

// OpenPackage reads the directory of the zip file in src, which has size bytes.
func OpenPackage(src io.ReaderAt, size int64, limits Limits) (*Package, error) {
	p := &Package{src: src, size: size, limits: limits.orDefault()}
	var magic [8]byte
	if size >= int64(len(magic)) {
		if err := readAt(src, magic[:], 0); err != nil {
			return nil, readFailed("", 0, err)
		}
		if string(magic[:]) == compoundMagic {
			return nil, noZip(src, size)
		}
	}
	dir, err := readDirectory(src, size, p.limits)
	if err != nil {
		return nil, err
	}
	p.dir = dir
	p.byName = make(map[string]int32, len(dir.parts))
	for i := range dir.parts {
		// Of two entries with one name the later counts, as it does for the zip
		// libraries of Python and Go and for excelize; Apache POI refuses such files.
		if name := dir.parts[i].Name; !strings.HasSuffix(name, "/") {
			p.byName[foldPart(name)] = int32(i)
		}
	}
	return p, nil
}

// foldPart gives the form in which part names are compared (OPC 6.2.2.3).
func foldPart(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(name)
		}
	}
	return name
}

// Limits are those that the package was opened with.
func (p *Package) Limits() Limits { return p.limits }

// Len is the number of entries, folders and duplicates included.
func (p *Package) Len() int { return len(p.dir.parts) }

// Part gives entry i in the order of the directory.
func (p *Package) Part(i int) *Part { return &p.dir.parts[i] }

// DirectoryOffset is where the zip directory begins in the file.
func (p *Package) DirectoryOffset() int64 { return p.dir.offset }

// Find gives the part of that name, ignoring case, or nil.
func (p *Package) Find(name string) *Part {
	if i, ok := p.byName[foldPart(partName(name))]; ok {
		return &p.dir.parts[i]
	}
	return nil
}

// DataOffset gives where the content of a part begins in the file, as it is stored
// there: see Part.Method and Part.CompressedBytes.
func (p *Package) DataOffset(part *Part) (int64, error) {
	if err := p.check(part); err != nil {
		return 0, err
	}
	at, err := part.locate(p.src)
	if err != nil {
		return 0, err
	}
	if at+part.CompressedBytes > p.dir.offset {
		return 0, damaged(part.Name, at, "its content reaches into the zip directory")
	}
	return at, nil
}

// check refuses parts that cannot be read or are not to be.
func (p *Package) check(part *Part) error {
	switch {
	case part.Flags&flagEncrypted != 0:
		return &Error{Code: Encrypted, Part: part.Name, Offset: -1, Message: "it is encrypted: the file is a zip file with a password",
			Hint: "Unpack the file with its password and save the workbook without one."}
	case part.Method == methodStored:
		if part.CompressedBytes != part.Bytes {
			return damaged(part.Name, -1, "it is stored, but its two sizes differ")
		}
	case part.Method != methodDeflated:
		return &Error{Code: Unsupported, Part: part.Name, Offset: -1, Message: "it is compressed by zip method " + strconv.Itoa(int(part.Method)) + "; workbooks use 0 and 8",
			Hint: hintSaveAs}
	case part.Bytes > part.CompressedBytes*maxInflation+maxInflation:
		return damaged(part.Name, -1, "its size is said to be more than its compressed bytes can give")
	case part.Bytes > ratioGrace && part.Bytes/p.limits.Ratio > part.CompressedBytes:
		return tooLarge(part.Name, "it unpacks to more than %d times its compressed size, as in a zip bomb", p.limits.Ratio)
	}
	return nil
}

// ReadAll gives the content of a part, checked against its checksum. A part of more
// than limit bytes is refused before anything is read.
func (p *Package) ReadAll(part *Part, limit int64) ([]byte, error) {
	if err := p.check(part); err != nil {
		return nil, err
	}
	if part.Bytes > limit {
		return nil, tooLarge(part.Name, "it has %d bytes; the limit is %s", part.Bytes, mebibytes(limit))
	}
	return p.readInto(nil, part)
}

// readInto is ReadAll into the memory of b as far as that will do.
func (p *Package) readInto(b []byte, part *Part) ([]byte, error) {
	at, err := p.DataOffset(part)
	if err != nil {
		return nil, err
	}
	n := int(part.Bytes)
	if room := n + inflate.Slack; cap(b) < room {
		b = make([]byte, room)
	} else {
		b = b[:room]
	}
	if part.Method == methodStored {
		b = b[:n]
		if err := readAt(p.src, b, at); err != nil {
			return nil, readFailed(part.Name, at, err)
		}
	} else {
		r := inflaters.Get().(*inflate.Reader)
		defer putInflater(r)
		r.Reset(p.src, at, part.CompressedBytes)
		got, err := r.Fill(b, 0, n)
		if err := inflated(part, got, err); err != nil {
			return nil, err
		}
		b = b[:n]
	}
	if crc32.ChecksumIEEE(b) != part.CRC32 {
		return nil, wrongChecksum(part)
	}
	return b, nil
}

// inflaters recycles decoders, whose tables are large for the many small parts.
var inflaters = sync.Pool{New: func() any { return new(inflate.Reader) }}

func putInflater(r *inflate.Reader) {
	r.Reset(nil, 0, 0) // so that the pool does not keep the file
	r.OnBlock = nil
	inflaters.Put(r)
}

// inflated judges the end of a part: got bytes came, and then err.
func inflated(part *Part, got int, err error) error {
	var corrupt *inflate.CorruptError
	switch {
	case err == nil:
		return damaged(part.Name, -1, "it holds more than the %d bytes that the zip directory says", part.Bytes)
	case err == io.EOF && int64(got) < part.Bytes:
		return damaged(part.Name, -1, "it holds %d bytes and not the %d that the zip directory says", got, part.Bytes)
	case err == io.EOF:
		return nil
	case errors.As(err, &corrupt):
		e := damaged(part.Name, corrupt.Offset, "its compressed data is corrupt: %s", corrupt.Reason)
		e.cause = err
		return e
	}
	return readFailed(part.Name, -1, err)
}

func wrongChecksum(part *Part) error {
	return damaged(part.Name, -1, "its content does not have the checksum that the zip directory says")
}

// Open gives the content of a part as a stream, for parts of any size. The checksum is
// verified at the end: the content may be relied on only once Read has given io.EOF.
func (p *Package) Open(part *Part) (*Content, error) {
	at, err := p.DataOffset(part)
	if err != nil {
		return nil, err
	}
	c := &Content{part: part}
	if part.Method == methodStored {
		c.r = io.NewSectionReader(p.src, at, part.CompressedBytes)
	} else {
		c.r = inflate.NewReader(p.src, at, part.CompressedBytes)
	}
	return c, nil
}

// Content is the content of a part being read. It is for one goroutine.
type Content struct {
	part *Part
	r    io.Reader
	n    int64
	crc  uint32
	err  error
}

// Read implements io.Reader. Errors other than io.EOF are of type *Error.
func (c *Content) Read(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, b[:n])
	switch {
	case c.n > c.part.Bytes:
		err = inflated(c.part, 0, nil)
	case err == io.EOF:
		if err = inflated(c.part, int(c.n), io.EOF); err == nil {
			err = io.EOF
			if c.crc != c.part.CRC32 {
				err = wrongChecksum(c.part)
			}
		}
	case err != nil:
		err = inflated(c.part, 0, err)
	}
	c.err = err
	return n, err
}

// readXML gives a whole part in UTF-8.
func (p *Package) readXML(part *Part) ([]byte, error) {
	b, err := p.ReadAll(part, p.limits.PartBytes)
	if err != nil {
		return nil, err
	}
	b, err = xmltext.ToUTF8(b)
	return b, inPart(part.Name, err)
}
