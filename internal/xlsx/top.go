package xlsx

import (
	"context"
	"errors"

	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/xlsx/scan"
)

// Whoever meets a large sheet looks at its first rows, and often at nothing else. They
// are read by themselves: to wait for them behind a load that has just begun takes
// longer, as that keeps every processor busy.

const (
	// maxTop is a row that no first chunk is likely to reach.
	maxTop = chunkSize / 32
	// topStrings is how many bytes of the shared strings are read for the first rows,
	// which use the first strings where the file was written from the top.
	topStrings = 4 * chunkSize
)

// top gives the rows of a large sheet that end in its first chunk; nil where there is
// nothing to be had but by a load.
func (f *File) top(ctx context.Context, i int) (*grid.Sheet, error) {
	info := &f.book.Sheets[i]
	part, err := f.sheetPart(i)
	if part == nil || err != nil || part.Bytes < largeSheet {
		return nil, err
	}
	return f.loads.tops[i].Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*grid.Sheet]) (*grid.Sheet, error) {
		b := grid.NewBuilder(info.Name)
		s := scan.NewSheet(b, scan.Limits{Cells: f.pkg.limits.Cells})
		s.DateText, s.RichError, s.Qualify = f.dateText, f.richError, f.Qualifier(i)
		err := f.pkg.scanStart(ctx, part, s, func() bool { return true })
		rows, ok := s.WholeRows()
		if errors.Is(err, errNotUTF8) || errors.Is(err, grid.ErrRowOrder) || err == nil && !ok {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		declared, err := parseHead(s.Head(), b.Layout())
		if err != nil {
			return nil, inPart(part.Name, err)
		}
		b.Seal()
		shared, err := f.firstStrings(ctx, b.SharedNeeded())
		if err != nil {
			return nil, err
		}
		sheet := b.FinishRows(shared, declared, 0, rows)
		f.loads.bytes.Add(sheet.MemoryBytes())
		return sheet, nil
	})
}

// firstStrings gives the shared strings, the first n of them at least where the file has
// so many, without reading all of them where the first will do.
func (f *File) firstStrings(ctx context.Context, n int) (*grid.Strings, error) {
	if f.sharedStrings == nil || n == 0 {
		return nil, nil
	}
	if s, ok := f.loads.strings.PeekAt(n); ok {
		return s, nil
	}
	s := scan.NewStrings(chunkSize, f.pkg.limits.TextBytes)
	fed := 0
	err := f.pkg.scanStart(ctx, f.sharedStrings, s, func() bool {
		fed += chunkSize
		return s.Len() >= n || fed >= topStrings
	})
	if err == nil && s.Len() >= n {
		shared := s.Finish()
		f.loads.bytes.Add(shared.MemoryBytes())
		return shared, nil
	}
	return f.strings(ctx, n)
}

// scanStart feeds the first chunks of a part to s until enough, which it asks after each
// of them. What follows is not looked at, so that the checksum is not known to be right.
func (p *Package) scanStart(ctx context.Context, part *Part, s scanner, enough func() bool) error {
	r, err := p.newPartReader(part)
	if err != nil {
		return err
	}
	defer r.close()
	w := windows.Get().(*[windowSize]byte)
	defer windows.Put(w)
	f := feeder{scanner: &sniffer{scanner: s}}
	for {
		if done, err := f.feed(ctx, r.next(w)); done || err != nil || enough() {
			return scanFailed(part, err)
		}
	}
}
