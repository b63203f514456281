package intake

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx/inflate"
	"gridflow/internal/xlsx/scan"
)

// Rows are rows of a sheet, from First to Last, counted from 0.
type Rows struct{ First, Last int }

// CopyRows is Copy with less of the worksheets of an .xlsx. Of one whose part is in only there are the cells of its rows, which
// ascend and do not overlap, and everything that is not cells: of all other rows the height, and whether they are hidden. One
// without rows is an empty sheet, which keeps its place among the sheets and nothing else. What is left out is not looked at
// either. A sheet whose cells cannot be told apart is Damaged: Copy may do.
func (l Limits) CopyRows(dst, src string, only map[string][]Rows) (Format, error) {
	return l.copy(dst, src, less{rows: only}, []Format{XLSX})
}

// emptySheet is the part of a sheet of which nothing is shown.
const emptySheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>`

// less says what of a package is left out.
type less struct {
	upon bool              // what lies upon the cells
	rows map[string][]Rows // of worksheets, by their parts: all rows but these
}

// empty reports whether an entry is the part of a sheet of which nothing is shown.
func (s less) empty(entry string) bool {
	rows, ok := s.rows[entry]
	return ok && len(rows) == 0
}

// gone reports whether an entry has the relationships of a sheet of which nothing is shown.
func (s less) gone(entry string) bool {
	dir, name := path.Split(entry)
	folder, inRels := strings.CutSuffix(dir, "_rels/")
	part, isRels := strings.CutSuffix(name, ".rels")
	return inRels && isRels && s.empty(folder+part)
}

// writeRows writes the part of a sheet with the cells of its rows alone.
func (w *workbook) writeRows(z *zip.Writer, e *zip.File, rows []Rows) error {
	out, err := z.CreateHeader(&zip.FileHeader{Name: e.Name, Method: zip.Deflate})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		_, err := io.WriteString(out, emptySheet)
		return err
	}
	in, err := w.content(e)
	if err != nil {
		return refuse(Damaged, "its entry %q: %v", e.Name, err)
	}
	f := &rowFilter{w: bufio.NewWriterSize(out, 64<<10), rows: rows}
	f.tail = sparklinesFilter{w: f.w, sheets: w.sheetNames}
	f.walker = scan.NewWalker(f)
	read := feed(f.walker, in)
	if err := f.w.Flush(); err != nil {
		return err // the disk's, whatever the file says
	}
	if _, ok := errors.AsType[*Error](read); ok {
		return read
	}
	if read != nil {
		return refuse(Damaged, "its entry %q: %v", e.Name, read)
	}
	return nil
}

// content reads an entry in a fraction of the time that e.Open takes, and as strictly.
func (w *workbook) content(e *zip.File) (io.Reader, error) {
	if e.Method != zip.Deflate {
		return e.Open() // which has nothing to be closed
	}
	at, err := e.DataOffset()
	if err != nil {
		return nil, err
	}
	return &content{e: e, r: inflate.NewReader(w.src, at, int64(e.CompressedSize64)), sum: crc32.NewIEEE()}, nil
}

// content is that of an entry, which has the size and the sum that the package says.
type content struct {
	e    *zip.File
	r    *inflate.Reader
	sum  hash.Hash32
	read uint64
}

// Read implements io.Reader.
func (c *content) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.sum.Write(b[:n])
	c.read += uint64(n)
	switch {
	case c.read > c.e.UncompressedSize64, err == io.EOF && c.read < c.e.UncompressedSize64:
		return n, fmt.Errorf("it has %d bytes or more, not %d", c.read, c.e.UncompressedSize64)
	case err == io.EOF && c.sum.Sum32() != c.e.CRC32:
		return n, zip.ErrChecksum
	}
	return n, err
}

// feed reads in to its end in windows, of which one may have to hold a cell.
func feed(w *scan.Walker, in io.Reader) error {
	const window, most = 256 << 10, 16 << 20
	buf, n := make([]byte, window), 0
	for {
		var err error
		for n < len(buf) && err == nil {
			m, failed := in.Read(buf[n:])
			n, err = n+m, failed
		}
		final := err == io.EOF
		if err != nil && !final {
			return err
		}
		used, err := w.Feed(buf[:n], final)
		if err != nil || final {
			return err
		}
		if used == 0 {
			if len(buf) >= most {
				return errors.New("a cell is larger than 16 MB")
			}
			buf = append(buf, make([]byte, len(buf))...)
			continue
		}
		n = copy(buf, buf[used:n])
	}
}

// rowFilter is a scan.Visitor that writes what it is shown, but for the cells of other rows.
type rowFilter struct {
	w      *bufio.Writer
	tail   sparklinesFilter
	walker *scan.Walker
	rows   []Rows
	stays  bool // the row that has begun, or was the last
}

func (f *rowFilter) write(b []byte) error {
	_, err := f.w.Write(b)
	return err
}

// Head implements scan.Visitor.
func (f *rowFilter) Head(b []byte) error { return f.write(b) }

// Row implements scan.Visitor.
func (f *rowFilter) Row(tag []byte, row int) error {
	_, f.stays = slices.BinarySearchFunc(f.rows, row, func(r Rows, row int) int {
		switch {
		case r.Last < row:
			return -1
		case r.First > row:
			return 1
		}
		return 0
	})
	numbered, says := false, false
	for _, a := range scan.Attributes(tag) {
		switch local(a.Name) {
		case "r":
			numbered = true
		case "spans", "dyDescent": // of the cells, and of the font
		default:
			says = true
		}
	}
	if !f.stays && !says {
		return nil
	}
	name := 1 + len(f.walker.Prefix) + len("row")
	if !numbered { // it is counted from the row before, which may have gone
		tag = slices.Concat(tag[:name], []byte(` r="`+strconv.Itoa(row+1)+`"`), tag[name:])
	}
	if !f.stays && tag[len(tag)-2] != '/' {
		tag = append(slices.Clip(tag[:len(tag)-1]), "/>"...)
	}
	return f.write(tag)
}

// Cell implements scan.Visitor.
func (f *rowFilter) Cell(xml []byte, _ cell.Ref) error { return f.Other(xml) }

// RowEnd implements scan.Visitor.
func (f *rowFilter) RowEnd(tag []byte) error { return f.Other(tag) }

// Other implements scan.Visitor.
func (f *rowFilter) Other(b []byte) error {
	if !f.stays {
		return nil
	}
	return f.write(b)
}

// Tail implements scan.Visitor.
func (f *rowFilter) Tail(b []byte, final bool) error { return f.tail.write(b, final) }

func local(name []byte) string {
	return string(name[bytes.IndexByte(name, ':')+1:])
}
