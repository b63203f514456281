package xlsx

import (
	"context"
	"hash/crc32"
	"io"
	"sort"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/inflate"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

const (
	// largeSheet is the size from which on a sheet is read in pieces where that will do:
	// a smaller one is loaded as quickly as a page of it is answered.
	largeSheet = 4 << 20
	// pointSpacing is about how far the points of an index lie apart. Half of it, on
	// average, is inflated for nothing before a page.
	pointSpacing = 2 << 20
	// maxPage is the part of a sheet, in bytes of XML, up to which rows are read by the
	// index: more than that is better read once for all who ask.
	maxPage = 16 << 20
)

// Index is what the loads of a File have learnt about where rows are, made as their
// by-product: with it a File opened later on the same bytes reads a page out of the
// middle of a large sheet in the time that the page takes. It also holds the shared
// strings, as a page may need any of them. An Index is immutable.
type Index struct {
	sheets  []*sheetIndex // by sheet; nil where there is none
	strings *grid.Strings // nil where they were not read
	texts   partID        // of the shared strings
}

// sheetIndex is the index of one sheet. The chunks in which a part is inflated and
// scanned are numbered from 0, and all but the last have chunkSize bytes.
type sheetIndex struct {
	part   partID
	rows   *scan.Index
	sums   []uint32 // sums[i] is the CRC-32 of chunks 0 to i
	points []point  // ascending
	blocks []splice.Block
	endBit int64 // where the compressed stream ends
	used   cell.Range
}

// point is a place in a compressed part where inflating may begin.
type point struct {
	mark   inflate.Mark
	window []byte // the bytes before it, packed
	sum    uint32 // CRC-32 of all bytes before it
}

// partID tells parts apart as well as the zip directory can.
type partID struct {
	name        string
	crc         uint32
	size, bytes int64
}

func idOf(part *Part) partID {
	if part == nil {
		return partID{}
	}
	return partID{part.Name, part.CRC32, part.CompressedBytes, part.Bytes}
}

// Index gives what can be handed to UseIndex of a later File, nil where there is nothing.
func (f *File) Index() *Index {
	x := &Index{sheets: make([]*sheetIndex, len(f.index)), texts: idOf(f.sharedStrings)}
	any := false
	for i := range f.index {
		x.sheets[i] = f.index[i].Load()
		any = any || x.sheets[i] != nil
	}
	if !any {
		return nil
	}
	x.strings, _ = f.loads.strings.Peek()
	return x
}

// UseIndex makes f read by an index that another File gave. Whatever the directory
// shows to be of other parts is left out; that the bytes are the same is the caller's to
// know. It is to be called before anything is read.
func (f *File) UseIndex(x *Index) {
	if x == nil || len(x.sheets) != len(f.index) {
		return
	}
	for i, s := range x.sheets {
		if s != nil && s.part == idOf(f.pkg.Find(f.book.Sheets[i].Part)) {
			f.keepIndex(i, s)
		}
	}
	if x.strings != nil && x.texts == idOf(f.sharedStrings) {
		f.loads.strings.Set(x.strings)
		f.loads.bytes.Add(x.strings.MemoryBytes())
	}
}

// WithoutStrings gives the index without the shared strings: the first page read by it
// then reads those it needs.
func (x *Index) WithoutStrings() *Index {
	return &Index{sheets: x.sheets}
}

// MemoryBytes is about what the index keeps alive.
func (x *Index) MemoryBytes() int64 {
	n := x.strings.MemoryBytes()
	for _, s := range x.sheets {
		if s != nil {
			n += s.memoryBytes()
		}
	}
	return n
}

func (s *sheetIndex) memoryBytes() int64 {
	n := 256 + s.rows.MemoryBytes() + int64(4*cap(s.sums)+56*cap(s.points)+24*cap(s.blocks))
	for i := range s.points {
		n += int64(cap(s.points[i].window))
	}
	return n
}

func (f *File) keepIndex(i int, s *sheetIndex) {
	f.index[i].Store(s)
	f.loads.bytes.Add(s.memoryBytes())
}

// newIndex gives the index that a load of part is to fill, nil where none is wanted.
func newIndex(part *Part) *sheetIndex {
	if part.Bytes < largeSheet {
		return nil
	}
	return &sheetIndex{
		part: idOf(part), sums: make([]uint32, 0, chunksIn(part.Bytes)),
		points: make([]point, 0, part.Bytes/pointSpacing),
	}
}

// chunksIn is the number of chunks that a part of so many bytes comes in.
func chunksIn(bytes int64) int64 { return (bytes + chunkSize - 1) / chunkSize }

// see takes from a chunk on its way to the scanner what the index keeps of it.
func (s *sheetIndex) see(c *chunk) {
	if s == nil {
		return
	}
	if c.marked {
		end := c.hist + int(c.mark.Out-c.start)
		sum := uint32(0)
		if n := len(s.sums); n > 0 {
			sum = s.sums[n-1]
		}
		sum = crc32.Update(sum, crc32.IEEETable, c.window[c.hist:end])
		s.points = append(s.points, point{c.mark, packWindow(c.window[max(0, end-inflate.Window):end]), sum})
	}
	s.sums = append(s.sums, c.sum)
}

// finish completes the index after the last chunk and says whether it can be used.
func (s *sheetIndex) finish(rows *scan.Index, sheet *grid.Sheet) bool {
	// A part that had to be read in another way came in no chunks.
	if s == nil || rows == nil || int64(len(s.sums)) != chunksIn(s.part.bytes) {
		return false
	}
	s.rows = rows
	s.used, _ = sheet.Used()
	return true
}

// Rows gives sheet i with row 0 and those from firstRow to lastRow: see book.Source. By an
// index that costs about the inflating of pointSpacing and the rows themselves.
func (f *File) Rows(ctx context.Context, i, firstRow, lastRow int) (*grid.Sheet, error) {
	firstRow = min(max(firstRow, 0), cell.MaxRows-1)
	lastRow = min(max(lastRow, firstRow), cell.MaxRows-1)
	if s, ok := f.loads.sheets[i].PeekAt(loadMark(lastRow)); ok {
		return s, nil
	}
	x := f.index[i].Load()
	if x == nil || x.span(firstRow, lastRow) > maxPage {
		return f.Sheet(ctx, i, lastRow)
	}
	return f.readRows(ctx, i, x, firstRow, lastRow)
}

// span is about the size of the XML of some rows.
func (s *sheetIndex) span(firstRow, lastRow int) int64 {
	_, from := s.rows.Locate(firstRow)
	_, to := s.rows.Locate(lastRow)
	return to - from
}

// readRows reads rows by the index, and row 0, which mostly says what they hold. The
// result has the layout that stands before the cells, and what its rows say of themselves.
func (f *File) readRows(ctx context.Context, i int, x *sheetIndex, firstRow, lastRow int) (*grid.Sheet, error) {
	part := f.pkg.Find(f.book.Sheets[i].Part)
	b := grid.NewBuilder(f.book.Sheets[i].Name)
	read := func(first, last int) (*scan.Sheet, error) {
		s := scan.NewRows(b, scan.Limits{Cells: f.pkg.limits.Cells}, x.rows, first, last)
		s.DateText, s.RichError, s.Qualify = f.dateText, f.richError, f.Qualifier(i)
		_, offset := x.rows.Locate(first)
		return s, scanFailed(part, f.pkg.scanRows(ctx, part, x, offset, s))
	}
	begin, _ := x.rows.Locate(firstRow)
	if begin > 0 {
		if _, err := read(0, 0); err != nil {
			return nil, err
		}
	}
	s, err := read(firstRow, lastRow)
	if err != nil {
		return nil, err
	}
	if _, err := parseHead(s.Head(), b.Layout()); err != nil {
		return nil, inPart(part.Name, err)
	}
	b.Seal()
	shared, err := f.firstStrings(ctx, b.SharedNeeded())
	if err != nil {
		return nil, err
	}
	end := lastRow + 1
	if _, last := s.Past(); last {
		end = cell.MaxRows
	}
	return b.FinishRows(shared, &x.used, begin, end), nil
}

// scanRows feeds a part from offset on to s, which stands where a row starts, until it
// has what it wants. Every chunk that it feeds is checked.
func (p *Package) scanRows(ctx context.Context, part *Part, x *sheetIndex, offset int64, s *scan.Sheet) error {
	r, err := p.newPartReader(part)
	if err != nil {
		return err
	}
	defer r.close()
	w := windows.Get().(*[windowSize]byte)
	defer windows.Put(w)

	n := int(offset / chunkSize)
	r.begin(x, int64(n)*chunkSize)
	for r.out < int64(n)*chunkSize {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if c := r.next(w); c.err == io.EOF {
			return inflated(part, int(r.out), io.EOF) // cannot be: the index is of another part
		} else if c.err != nil {
			return c.err
		}
	}
	if n > 0 {
		r.crc = x.sums[n-1]
	}
	// The feeder goes back by what is left of the last chunk; here it goes forward.
	f := feeder{scanner: s, left: int(int64(n)*chunkSize - offset)}
	for ; ; n++ {
		c := r.next(w)
		if (c.err == nil || c.err == io.EOF) && (n >= len(x.sums) || c.sum != x.sums[n]) {
			return wrongChecksum(part)
		}
		if done, err := f.feed(ctx, c); done || err != nil {
			return err
		}
		if past, _ := s.Past(); past {
			return nil
		}
	}
}

// begin makes a new reader begin at the last point that is not behind offset, the start
// of a chunk.
func (r *partReader) begin(x *sheetIndex, offset int64) {
	if r.inflate == nil {
		r.out = offset
		return
	}
	i := sort.Search(len(x.points), func(i int) bool { return x.points[i].mark.Out > offset })
	if i == 0 {
		return
	}
	at := &x.points[i-1]
	window := new([inflate.Window]byte)
	r.out, r.tail = at.mark.Out, window[:unpackWindow(window, at.window)]
	r.inflate.ResetAt(r.src, r.at, r.part.CompressedBytes, at.mark, nil)
}
