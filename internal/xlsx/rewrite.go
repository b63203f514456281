package xlsx

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"gridflow/internal/xlsx/inflate"
	"gridflow/internal/xlsx/splice"
	"gridflow/internal/xlsx/xmltext"
)

// Rewrite writes the package to w with some of its parts changed, or left out where the
// change is nil. Everything else in the file is copied as it stands: the parts' headers,
// compressed bytes and descriptors, their order, what lies between them, the comment, and
// whatever stands before and behind the zip file. A changed part keeps its place, name,
// time, method and extra fields. Without changes the result is the file, byte for byte.
//
// New parts stand behind all others. The caller makes sure that there is none of their name.
//
// The changes must be of parts of p, as Splice makes them of p.Stream. Errors that are not
// ctx's or w's are of type *Error.
func (p *Package) Rewrite(ctx context.Context, w io.Writer, changes map[*Part]*splice.Result, added ...NewPart) error {
	r := rewriter{p: p, ctx: ctx, w: w, changes: changes, moved: make([]int64, len(p.dir.parts))}
	if len(changes) == 0 && len(added) == 0 {
		return r.copyTo(p.size)
	}
	order := make([]int, len(p.dir.parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return int(min(max(p.dir.parts[a].HeaderOffset-p.dir.parts[b].HeaderOffset, -1), 1))
	})
	for k, i := range order {
		part := &p.dir.parts[i]
		change, changed := changes[part]
		if !changed {
			r.moved[i] = r.out - r.at
			continue
		}
		next := p.dir.offset
		if k+1 < len(order) {
			next = p.dir.parts[order[k+1]].HeaderOffset
		}
		if err := r.copyTo(part.HeaderOffset); err != nil {
			return err
		}
		r.moved[i] = r.out - r.at
		if err := r.replace(part, change, next); err != nil {
			return err
		}
	}
	if err := r.copyTo(p.dir.offset); err != nil {
		return err
	}
	for i := range added {
		if err := r.add(&added[i]); err != nil {
			return err
		}
	}
	return r.end()
}

// NewPart is a part that a package does not have yet. It is meant for small ones: its
// content is stored and not compressed.
type NewPart struct {
	Name    string // ASCII, without a slash in front
	Content []byte
}

// add writes a new part and keeps its entry for the directory.
func (r *rewriter) add(part *NewPart) error {
	if len(part.Name) > math.MaxUint16 || len(part.Content) >= math.MaxUint32 {
		return tooLarge(part.Name, "a new part is too large")
	}
	const version, firstDay = 20, 1<<5 | 1 // of zip; of its calendar, in which Excel writes all its parts
	le := binary.LittleEndian
	offset := r.out - r.p.dir.base
	// What both headers have in common: version, flags, method, time, date, checksum, sizes,
	// and the lengths of name and extra fields.
	common := le.AppendUint16(nil, version)
	for _, v := range []uint16{0, methodStored, 0, firstDay} {
		common = le.AppendUint16(common, v)
	}
	for _, v := range []uint32{crc32.ChecksumIEEE(part.Content), uint32(len(part.Content)), uint32(len(part.Content))} {
		common = le.AppendUint32(common, v)
	}
	common = le.AppendUint16(common, uint16(len(part.Name)))
	common = le.AppendUint16(common, 0)

	entry := le.AppendUint16([]byte(entrySignature), version)
	entry = append(entry, common...)
	entry = append(entry, make([]byte, 2+2+2+4+4)...) // comment, disk, attributes, offset
	if err := put32(entry[42:], offset); err != nil {
		return err
	}
	r.added = append(r.added, append(entry, part.Name...)...)
	r.entries++
	for _, b := range [][]byte{[]byte(localSignature), common, []byte(part.Name), part.Content} {
		if err := r.write(b); err != nil {
			return err
		}
	}
	return nil
}

// rewriter is a package on its way to w.
type rewriter struct {
	p       *Package
	ctx     context.Context
	w       io.Writer
	changes map[*Part]*splice.Result
	at      int64   // up to where the old file is done with
	out     int64   // bytes written
	moved   []int64 // by how much the header of each part moved
	added   []byte  // directory entries of new parts
	entries int     // their number
}

// copyTo copies the old file up to an offset.
func (r *rewriter) copyTo(offset int64) error {
	const step = 16 << 20 // between looks at the context
	for r.at < offset {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		n, err := splice.Copy(r.w, r.p.src, r.at, min(step, offset-r.at))
		r.at, r.out = r.at+n, r.out+n
		if err != nil {
			return sourceFailed("", r.at, err)
		}
	}
	return nil
}

func (r *rewriter) write(b []byte) error {
	n, err := r.w.Write(b)
	r.out += int64(n)
	return err
}

// replace writes a part anew and passes over the old one, up to the header at next.
func (r *rewriter) replace(part *Part, change *splice.Result, next int64) error {
	data, err := r.p.DataOffset(part)
	if err != nil {
		return err
	}
	old := data + part.CompressedBytes
	descriptor, err := r.descriptor(part, old, next)
	if err != nil {
		return err
	}
	r.at = old + descriptor
	if change == nil {
		return nil
	}
	head := make([]byte, data-part.HeaderOffset)
	if err := readAt(r.p.src, head, part.HeaderOffset); err != nil {
		return readFailed(part.Name, part.HeaderOffset, err)
	}
	le := binary.LittleEndian
	// The sizes are known, so they need not follow.
	le.PutUint16(head[6:], le.Uint16(head[6:])&^flagDescriptor)
	le.PutUint32(head[14:], change.CRC32)
	if extra := zip64Field(head[localBytes+len(part.RawName):]); len(extra) >= 16 {
		le.PutUint32(head[18:], math.MaxUint32)
		le.PutUint32(head[22:], math.MaxUint32)
		le.PutUint64(extra, uint64(change.Bytes))
		le.PutUint64(extra[8:], uint64(change.CompressedBytes))
	} else {
		if err := put32(head[18:], change.CompressedBytes); err != nil {
			return err
		}
		if err := put32(head[22:], change.Bytes); err != nil {
			return err
		}
	}
	if err := r.write(head); err != nil {
		return err
	}
	n, err := change.WriteTo(r.w)
	r.out += n
	return sourceFailed(part.Name, part.HeaderOffset, err)
}

// sourceFailed gives the errors of the source their type, and leaves those of the writer.
func sourceFailed(part string, offset int64, err error) error {
	var source *splice.SourceError
	if errors.As(err, &source) {
		return readFailed(part, offset, source.Err)
	}
	return err
}

// put32 writes a value that must be below 4 GiB, where zip64 begins.
func put32(b []byte, v int64) error {
	if v >= math.MaxUint32 {
		return tooLarge("", "what is to be saved needs more than 4 GiB, for which the file's zip format has no room")
	}
	binary.LittleEndian.PutUint32(b, uint32(v))
	return nil
}

// zip64Field gives the content of the zip64 field among the extra fields of a header.
func zip64Field(extra []byte) []byte {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return nil
		}
		if id == 1 {
			return extra[4 : 4+n]
		}
		extra = extra[4+n:]
	}
	return nil
}

// descriptor gives the length of the data descriptor at offset at, 0 where there is none.
func (r *rewriter) descriptor(part *Part, at, next int64) (int64, error) {
	if part.Flags&flagDescriptor == 0 {
		return 0, nil
	}
	b := make([]byte, min(24, next-at))
	if err := readAt(r.p.src, b, at); err != nil {
		return 0, readFailed(part.Name, at, err)
	}
	// The signature is optional, and the sizes have four bytes or eight.
	for _, start := range []int{4, 0} {
		if start == 4 && (len(b) < 4 || string(b[:4]) != "PK\x07\x08") {
			continue
		}
		d := b[start:]
		le := binary.LittleEndian
		switch {
		case len(d) < 12 || le.Uint32(d) != part.CRC32:
		case int64(le.Uint32(d[4:])) == part.CompressedBytes && int64(le.Uint32(d[8:])) == part.Bytes:
			return int64(start + 12), nil
		case len(d) >= 20 && le.Uint64(d[4:]) == uint64(part.CompressedBytes) && le.Uint64(d[12:]) == uint64(part.Bytes):
			return int64(start + 20), nil
		}
	}
	return 0, nil
}

// end writes the directory and what follows it.
func (r *rewriter) end() error {
	d := r.p.dir
	raw := make([]byte, r.p.size-d.offset)
	if err := readAt(r.p.src, raw, d.offset); err != nil {
		return readFailed("", d.offset, err)
	}
	le := binary.LittleEndian
	moved := r.out - r.at // of the directory
	var dir []byte
	at, kept := 0, 0
	for i := range d.parts {
		b := raw[at:]
		n := entryBytes + int(le.Uint16(b[28:])) + int(le.Uint16(b[30:])) + int(le.Uint16(b[32:]))
		at += n
		change, changed := r.changes[&d.parts[i]]
		if changed && change == nil {
			continue
		}
		kept++
		dir = append(dir, b[:n]...)
		e := dir[len(dir)-n:]
		extra := zip64Field(e[entryBytes+int(le.Uint16(e[28:])):][:le.Uint16(e[30:])])
		if changed {
			le.PutUint16(e[8:], le.Uint16(e[8:])&^flagDescriptor)
			le.PutUint32(e[16:], change.CRC32)
		}
		// A zip64 field holds those of the three that have the mark, in this order.
		for _, f := range []struct {
			at    int
			value int64
			set   bool
		}{{24, sizeOf(change), changed}, {20, compressedOf(change), changed}, {42, 0, r.moved[i] != 0}} {
			field := e[f.at:]
			if le.Uint32(field) == math.MaxUint32 && len(extra) >= 8 {
				if f.at == 42 {
					f.value = int64(le.Uint64(extra)) + r.moved[i]
				}
				if f.set {
					le.PutUint64(extra, uint64(f.value))
				}
				extra = extra[8:]
				continue
			}
			if f.at == 42 {
				f.value = int64(le.Uint32(field)) + r.moved[i]
			}
			if f.set {
				if err := put32(field, f.value); err != nil {
					return err
				}
			}
		}
	}
	dir = append(dir, r.added...)
	dir = append(dir, raw[at:d.length]...)
	if kept += r.entries; r.entries > 0 && kept >= math.MaxUint16 && d.end64 == 0 {
		return tooLarge("", "the package has no room for a new part beside %d others", kept-r.entries)
	}
	tail := raw[d.length:]
	behind := d.offset + d.length // where the tail begins
	grown := int64(len(dir)) - d.length
	if d.end64 > 0 {
		e := tail[d.end64-behind:]
		le.PutUint64(e[24:], uint64(kept))
		le.PutUint64(e[32:], uint64(kept))
		le.PutUint64(e[40:], uint64(len(dir)))
		le.PutUint64(e[48:], uint64(int64(le.Uint64(e[48:]))+moved))
		l := tail[d.locator64-behind:]
		le.PutUint64(l[8:], uint64(int64(le.Uint64(l[8:]))+moved+grown))
	}
	e := tail[d.end-behind:]
	for _, f := range []int{8, 10} {
		if d.end64 == 0 || le.Uint16(e[f:]) != math.MaxUint16 {
			le.PutUint16(e[f:], uint16(kept))
		}
	}
	if d.end64 == 0 || le.Uint32(e[12:]) != math.MaxUint32 {
		le.PutUint32(e[12:], uint32(len(dir)))
	}
	if d.end64 == 0 || le.Uint32(e[16:]) != math.MaxUint32 {
		if err := put32(e[16:], int64(le.Uint32(e[16:]))+moved); err != nil {
			return err
		}
	}
	if err := r.write(dir); err != nil {
		return err
	}
	return r.write(tail)
}

func sizeOf(r *splice.Result) int64 {
	if r == nil {
		return 0
	}
	return r.Bytes
}

func compressedOf(r *splice.Result) int64 {
	if r == nil {
		return 0
	}
	return r.CompressedBytes
}

// Stream gives a part's content as a stream that can be spliced.
func (p *Package) Stream(part *Part) (*splice.Stream, error) {
	at, err := p.DataOffset(part)
	if err != nil {
		return nil, err
	}
	return &splice.Stream{
		Src: p.src, At: at, CompressedBytes: part.CompressedBytes, Bytes: part.Bytes, CRC32: part.CRC32,
		Stored: part.Method == methodStored,
	}, nil
}

// SpliceFailed gives an error of package splice, or of reading a stream with it, its type and
// the part's name. Those of a context stay what they are.
func SpliceFailed(part *Part, err error) error {
	var corrupt *inflate.CorruptError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &corrupt):
		return inflated(part, 0, err)
	case errors.Is(err, splice.ErrChecksum):
		return wrongChecksum(part)
	case errors.Is(err, splice.ErrLength):
		return damaged(part.Name, -1, "it does not hold the %d bytes that the zip directory says", part.Bytes)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, splice.ErrEdits):
		return err
	}
	return readFailed(part.Name, -1, err)
}

// SheetStream is Stream for the part of sheet i, with what the index of the sheet knows of
// its inside. Locate is that of the index, see scan.Index, and nil where there is none. part
// is nil for a sheet that has no cells.
func (f *File) SheetStream(i int) (part *Part, s *splice.Stream, locate func(row int) (first int, offset int64), err error) {
	if part, err = f.sheetPart(i); part == nil || err != nil {
		return nil, nil, nil, err
	}
	if s, err = f.pkg.Stream(part); err != nil {
		return nil, nil, nil, err
	}
	x := f.index[i].Load()
	if x == nil {
		return part, s, nil, nil
	}
	m := &splice.Map{Blocks: x.blocks, EndBit: x.endBit, Sums: x.sums, SumBytes: chunkSize}
	m.Points = make([]splice.Point, len(x.points))
	for i := range x.points {
		m.Points[i] = splice.Point{Mark: x.points[i].mark, Sum: x.points[i].sum}
	}
	m.History = func(i int) []byte {
		var w [inflate.Window]byte
		return w[:unpackWindow(&w, x.points[i].window)]
	}
	s.Map = m
	return part, s, x.rows.Locate, nil
}

// WorkbookPart gives the workbook's own part.
func (f *File) WorkbookPart() *Part { return f.workbook }

// Related gives the first part of a kind that the workbook's relationships lead to, nil
// where there is none. The kind is the last word of the relationship's type.
func (f *File) Related(kind string) *Part {
	if r := f.rels.first(kind); r != nil {
		return r.part
	}
	return nil
}

// RelationshipsPart gives the part that holds the relationships of another, nil where it
// has none.
func (p *Package) RelationshipsPart(of *Part) *Part {
	folder, file := path.Split(of.Name)
	return p.Find(folder + "_rels/" + file + ".rels")
}

// ReadXML gives a whole part in UTF-8 without a byte order mark. asItIs is false where it
// is in another encoding in the file.
func (p *Package) ReadXML(part *Part) (doc []byte, asItIs bool, err error) {
	raw, err := p.ReadAll(part, p.limits.PartBytes)
	if err != nil {
		return nil, false, err
	}
	doc, err = xmltext.ToUTF8(raw)
	return doc, xmltext.IsUTF8(raw[:min(len(raw), 256)]), inPart(part.Name, err)
}

// Signed reports whether the package has a digital signature, which no changed file can
// satisfy.
func (p *Package) Signed() bool {
	for i := range p.dir.parts {
		if strings.HasPrefix(foldPart(p.dir.parts[i].Name), "_xmlsignatures/") {
			return true
		}
	}
	return false
}
