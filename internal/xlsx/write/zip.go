package write

import (
	"context"
	"encoding/binary"
	"io"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/splice"
)

// zipWriter writes a zip file (APPNOTE 4.3) whose entries are compressed in pieces. The sizes
// of an entry follow it, as they are not known before.
type zipWriter struct {
	ctx     context.Context
	w       io.Writer
	at      int64
	entries []zipEntry
	part    *splice.Deflater // being written
}

type zipEntry struct {
	name              string
	offset            int64
	compressed, bytes int64
	crc               uint32
}

func newZipWriter(ctx context.Context, w io.Writer) *zipWriter { return &zipWriter{ctx: ctx, w: w} }

// Write implements io.Writer for the bytes of the file itself.
func (z *zipWriter) Write(b []byte) (int, error) {
	n, err := z.w.Write(b)
	z.at += int64(n)
	return n, err
}

// head gives what the two headers of an entry have in common. The time is the first that
// there is, so that the same content gives the same file.
func (e *zipEntry) head(b []byte) []byte {
	const (
		version = 20
		follow  = 1<<3 | 1<<11 // sizes follow; the name is in UTF-8
		deflate = 8
		day     = 1<<5 | 1 // 1 January 1980
	)
	for _, v := range []uint16{version, follow, deflate, 0, day} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

func (e *zipEntry) sizes(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, e.crc)
	b = binary.LittleEndian.AppendUint32(b, uint32(e.compressed))
	return binary.LittleEndian.AppendUint32(b, uint32(e.bytes))
}

// create begins an entry. Its content goes into what is returned, up to end.
func (z *zipWriter) create(name string) (io.Writer, error) {
	e := zipEntry{name: name, offset: z.at}
	b := e.head([]byte("PK\x03\x04"))
	b = append(b, make([]byte, 12)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, 0, 0)
	if _, err := z.Write(append(b, name...)); err != nil {
		return nil, err
	}
	z.entries = append(z.entries, e)
	z.part = splice.NewDeflater(z.ctx, z)
	return z.part, nil
}

// end ends the entry.
func (z *zipWriter) end() error {
	d := z.part
	z.part = nil
	if err := d.Close(); err != nil {
		return err
	}
	e := &z.entries[len(z.entries)-1]
	e.crc, e.compressed, e.bytes = d.CRC32, d.CompressedBytes, d.Bytes
	if e.compressed >= max32 || e.bytes >= max32 || z.at >= max32 {
		return &xlsx.Error{Code: xlsx.TooLarge, Part: e.name, Offset: -1, Message: "the workbook needs more than 4 GiB",
			Hint: "Split it into several."}
	}
	_, err := z.Write(e.sizes([]byte("PK\x07\x08")))
	return err
}

// stop ends what an entry left open has running.
func (z *zipWriter) stop() {
	if z.part != nil {
		_ = z.part.Close()
		z.part = nil
	}
}

// add writes a whole entry.
func (z *zipWriter) add(name string, content ...[]byte) error {
	w, err := z.create(name)
	if err != nil {
		return err
	}
	for _, b := range content {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return z.end()
}

// directory writes what ends the file.
func (z *zipWriter) directory() error {
	start := z.at
	var b []byte
	for i := range z.entries {
		e := &z.entries[i]
		b = append(b, "PK\x01\x02\x14\x00"...)
		b = e.sizes(e.head(b))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(e.name)))
		b = append(b, make([]byte, 12)...)
		b = binary.LittleEndian.AppendUint32(b, uint32(e.offset))
		b = append(b, e.name...)
	}
	n := len(b)
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(z.entries)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(z.entries)))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, uint32(start))
	_, err := z.Write(append(b, 0, 0))
	return err
}
