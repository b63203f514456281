package xlsx

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gridflow/internal/cell"
	"gridflow/internal/crew"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/xmltext"
)

// loads is the part of a File that grows: its sheets and shared strings, each read once
// when it is first asked for.
type loads struct {
	sheets  []lazy.Load[*grid.Sheet]
	tops    []lazy.Load[*grid.Sheet] // what is in the first chunk of each
	strings lazy.Load[*grid.Strings]
	bytes   atomic.Int64 // memory of what has been read
	pending atomic.Int64 // the same of what is being read, as far as can be told before
	changed func()       // told when either has; nil: nobody is
}

// OnLoad has fn called when a load begins, and when it has ended: what Loading and
// MemoryBytes give has changed. It is called before anything is read of the file, once; fn
// may be called by several goroutines at once, which hold no lock.
func (f *File) OnLoad(fn func()) { f.loads.changed = fn }

// Loading is about how much memory the loads under way may come to take.
func (f *File) Loading() int64 { return f.loads.pending.Load() }

// Unread is about how much memory a sheet may come to take that has not been read to its
// end; with "" all sheets. 0: it has been, or there is no such sheet.
func (f *File) Unread(sheet string) (bytes int64) {
	for i := range f.book.Sheets {
		if sheet != "" && !strings.EqualFold(sheet, f.book.Sheets[i].Name) {
			continue
		}
		if _, ready := f.loads.sheets[i].Peek(); !ready {
			bytes += guess(f.pkg.Find(f.book.Sheets[i].Part))
		}
	}
	if _, ready := f.loads.strings.Peek(); bytes > 0 && !ready {
		bytes += guess(f.sharedStrings)
	}
	return bytes
}

// guess is about how much memory a part may come to take: cells take less than a quarter of
// their XML, which in turn may be said to be longer than it is.
func guess(part *Part) int64 {
	if part == nil {
		return 0
	}
	return min(part.Bytes/4, 2*part.CompressedBytes)
}

// begin notes that a part is being read. What it gives is called when it has been, with what
// that takes, 0 where it came to nothing.
func (l *loads) begin(part *Part) (end func(memory int64)) {
	n := guess(part)
	l.pending.Add(n)
	l.tell()
	return func(memory int64) {
		l.bytes.Add(memory)
		l.pending.Add(-n)
		l.tell()
	}
}

func (l *loads) tell() {
	if l.changed != nil {
		l.changed()
	}
}

// Sheet gives sheet i, complete down to row lastRow at least, reading it if nobody has
// yet; see book.Source.
func (f *File) Sheet(ctx context.Context, i, lastRow int) (*grid.Sheet, error) {
	if lastRow < maxTop {
		if s, ok := f.loads.sheets[i].PeekAt(loadMark(lastRow)); ok {
			return s, nil
		}
		if s, err := f.top(ctx, i); err != nil || s != nil && s.LoadedRows() > lastRow {
			return s, err
		}
	}
	return f.loads.sheets[i].Wait(ctx, loadMark(lastRow), func(ctx context.Context, p *lazy.Publisher[*grid.Sheet]) (*grid.Sheet, error) {
		memory := int64(0)
		end := f.loads.begin(f.pkg.Find(f.book.Sheets[i].Part))
		defer func() { end(memory) }()
		s, err := f.readSheet(ctx, i, p, false)
		if errors.Is(err, grid.ErrRowOrder) {
			// Legal, and seen in no file so far: read again into a builder that sorts.
			s, err = f.readSheet(ctx, i, nil, true)
		}
		if err == nil {
			memory = s.MemoryBytes()
		}
		return s, err
	})
}

// Stop says that nobody will read more of the file: loads that nobody waits for stop.
func (f *File) Stop() {
	for i := range f.loads.sheets {
		f.loads.sheets[i].Stop()
		f.loads.tops[i].Stop()
	}
	f.loads.strings.Stop()
}

// loadMark is the mark of a load that is complete down to lastRow.
func loadMark(lastRow int) int {
	if lastRow < cell.MaxRows-1 {
		return lastRow + 1
	}
	return lazy.Whole
}

// MemoryBytes is about what the file keeps alive now.
func (f *File) MemoryBytes() int64 {
	const base = 64 << 10 // directory, workbook part, styles
	return base + f.loads.bytes.Load()
}

// readSheet reads sheet i. p is nil where nothing may be published before the end.
func (f *File) readSheet(ctx context.Context, i int, p *lazy.Publisher[*grid.Sheet], anyOrder bool) (*grid.Sheet, error) {
	info := &f.book.Sheets[i]
	b := grid.NewBuilder(info.Name)
	part, err := f.sheetPart(i)
	if part == nil || err != nil {
		return b.Finish(nil), err
	}
	if anyOrder {
		b.AnyOrder()
	}
	l := &sheetLoad{file: f, builder: b, publisher: p, scan: scan.NewSheet(b, scan.Limits{Cells: f.pkg.limits.Cells})}
	l.scan.DateText, l.scan.RichError, l.scan.Qualify = f.dateText, f.richError, f.Qualifier(i)
	var index *sheetIndex
	if !anyOrder && f.index[i].Load() == nil {
		index = newIndex(part)
	}
	if index != nil {
		l.scan.Record(chunkSize)
	}

	if err := f.scanSheet(ctx, part, l, index, f.sharedStrings != nil && !anyOrder); err != nil {
		return nil, err
	}
	var shared *grid.Strings
	if f.sharedStrings != nil {
		if shared, err = f.strings(ctx, lazy.Whole); err != nil {
			return nil, err
		}
	}
	if err := l.layout(ctx, i, part); err != nil {
		return nil, err
	}
	s := b.Finish(shared)
	if index.finish(l.scan.Index(), s) {
		f.keepIndex(i, index)
	}
	return s, nil
}

// scanSheet scans a sheet's part and, if it is a large one and texts is set, reads the
// shared strings beside it: almost every sheet needs them.
func (f *File) scanSheet(ctx context.Context, part *Part, l *sheetLoad, index *sheetIndex, texts bool) error {
	if part.Bytes <= wholePart {
		l.ctx = ctx
		return f.pkg.scanPart(ctx, part, l, index)
	}
	g, ctx := errgroup.WithContext(ctx)
	if texts {
		g.Go(func() error { return crew.Call(func() error { _, err := f.strings(ctx, lazy.Whole); return err }) })
	}
	l.ctx = ctx
	g.Go(func() error { return crew.Call(func() error { return f.pkg.scanPart(ctx, part, l, index) }) })
	return g.Wait()
}

// sheetPart gives the part that holds the cells of sheet i, nil for a sheet of a kind
// that has none.
func (f *File) sheetPart(i int) (*Part, error) {
	info := &f.book.Sheets[i]
	switch {
	case info.Problem != "":
		e := damaged("", -1, "the sheet %.64q cannot be read: %s", info.Name, info.Problem)
		e.Hint = "The other sheets can be read: name one in sheet_name, as list_sheets has them."
		return nil, e
	case !info.Kind.HasCells():
		return nil, nil
	}
	return f.pkg.Find(info.Part), nil
}

// dateText reads the text of an ISO 8601 cell. Without a date format nobody would know
// its number for a date: then it stays the text.
func (f *File) dateText(text string, style uint32) (float64, bool) {
	if !f.book.Styles.Format(style).IsDate() {
		return 0, false
	}
	serial, _, ok := numfmt.ParseISO(text, f.book.Dates)
	return serial, ok
}

// sheetLoad is a sheet being read: the scanner with what happens on the way.
type sheetLoad struct {
	ctx       context.Context // of the load; Feed has no room for one
	file      *File
	builder   *grid.Builder
	scan      *scan.Sheet
	publisher *lazy.Publisher[*grid.Sheet]

	headRead bool
	declared *cell.Range // what the file says is used
}

// Feed scans a window, then serves those who wait for no more than what is there.
func (l *sheetLoad) Feed(w []byte, final bool) (int, error) {
	n, err := l.scan.Feed(w, final)
	if err != nil || final || l.publisher == nil || !l.scan.HeadDone() {
		return n, err
	}
	rows := l.builder.SealedRows()
	if rows == 0 || !l.publisher.Wanted(rows) {
		return n, nil
	}
	if err := l.readHead(); err != nil {
		return n, err
	}
	shared, err := l.file.strings(l.ctx, l.builder.SharedNeeded())
	if err != nil {
		return n, err
	}
	l.publisher.Publish(l.builder.Sheet(shared, l.declared), rows)
	return n, nil
}

func (l *sheetLoad) readHead() (err error) {
	if !l.headRead && len(l.scan.Head()) > 0 {
		l.declared, err = parseHead(l.scan.Head(), l.builder.Layout())
		l.headRead = true
	}
	return err
}

// layout reads what stands around the cells, in the sheet's own part and in others.
func (l *sheetLoad) layout(ctx context.Context, i int, part *Part) error {
	if err := l.readHead(); err != nil {
		return inPart(part.Name, err)
	}
	rels, err := l.file.pkg.relationshipsOf(part.Name)
	if err != nil {
		return err
	}
	if tail := l.scan.Tail(); len(tail) > 0 {
		if err := parseTail(tail, rels, l.builder.Layout()); err != nil {
			return inPart(part.Name, err)
		}
	}
	return l.file.finishLayout(ctx, i, rels, l.builder.Layout())
}

// strings gives the shared strings, n of them at least where the file has so many.
func (f *File) strings(ctx context.Context, n int) (*grid.Strings, error) {
	if f.sharedStrings == nil || n == 0 {
		return nil, nil
	}
	return f.loads.strings.Wait(ctx, n, func(ctx context.Context, p *lazy.Publisher[*grid.Strings]) (*grid.Strings, error) {
		// Texts compress to a quarter or so; what says to be larger has to prove it first.
		size := min(f.sharedStrings.Bytes, 8*f.sharedStrings.CompressedBytes)
		memory := int64(0)
		end := f.loads.begin(f.sharedStrings)
		defer func() { end(memory) }()
		l := &stringsLoad{publisher: p, scan: scan.NewStrings(size, f.pkg.limits.TextBytes)}
		if err := f.pkg.scanPart(ctx, f.sharedStrings, l, nil); err != nil {
			return nil, err
		}
		s := l.scan.Finish()
		memory = s.MemoryBytes()
		return s, nil
	})
}

type stringsLoad struct {
	publisher *lazy.Publisher[*grid.Strings]
	scan      *scan.Strings
}

func (l *stringsLoad) Feed(w []byte, final bool) (int, error) {
	n, err := l.scan.Feed(w, final)
	if err == nil && !final && l.publisher.Wanted(l.scan.Len()) {
		l.publisher.Publish(l.scan.Pool(), l.scan.Len())
	}
	return n, err
}

// scanPart feeds a part to s in UTF-8, fills x, if it is not nil, and makes the errors
// name the part.
func (p *Package) scanPart(ctx context.Context, part *Part, s scanner, x *sheetIndex) error {
	sniff := &sniffer{scanner: s}
	err := p.pump(ctx, part, sniff, x)
	if errors.Is(err, errNotUTF8) {
		var doc []byte
		if doc, err = p.readXML(part); err != nil {
			return err
		}
		_, err = s.Feed(doc, true)
	}
	return scanFailed(part, err)
}

// scanFailed makes a fault that a scanner found an error of its part.
func scanFailed(part *Part, err error) error {
	var fault *scan.Error
	if errors.As(err, &fault) {
		e := damaged(part.Name, fault.Offset, "%s", fault.Message)
		if e.cause = err; errors.Is(err, scan.ErrTooLarge) {
			e.Code, e.Hint = TooLarge, hintTooLarge
		}
		return e
	}
	return err
}

var errNotUTF8 = errors.New("the part is not in UTF-8")

// sniffer looks at the first bytes of a part before the scanner does.
type sniffer struct {
	scanner
	known bool
}

func (s *sniffer) Feed(w []byte, final bool) (int, error) {
	if !s.known {
		if !xmltext.IsUTF8(w[:min(len(w), 256)]) {
			return 0, errNotUTF8
		}
		s.known = true
	}
	return s.scanner.Feed(w, final)
}
