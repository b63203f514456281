package xlsx

import "cmp"

// Limits bound what a file may make its reader do. A field that is zero means its default.
type Limits struct {
	// Parts is the greatest number of parts in the package; default 65 536.
	Parts int
	// PartBytes is the greatest uncompressed size of a part that is read whole, which is
	// every part but the sheets and the shared strings; default 128 MiB.
	PartBytes int64
	// Ratio is how many times larger than its compressed form a part may be that has
	// more than 4 MiB; default 400. Real sheets stay below 100, bombs reach 1 032.
	Ratio int64
	// TotalBytes is the greatest uncompressed size of all parts together; default 16 GiB.
	TotalBytes int64
	// Cells is the greatest number of stored cells in a sheet; default 200 million.
	Cells int
	// TextBytes is the greatest size of all shared strings together; default 2 GiB.
	TextBytes int64
}

// ratioGrace is the uncompressed size up to which no part is refused for its ratio.
const ratioGrace = 4 << 20

// maxInflation is more than DEFLATE can expand anything: one bit more than a byte
// stands for 258 bytes.
const maxInflation = 1040

func (l Limits) orDefault() Limits {
	l.Parts = cmp.Or(l.Parts, 1<<16)
	l.PartBytes = cmp.Or(l.PartBytes, 128<<20)
	l.Ratio = cmp.Or(l.Ratio, 400)
	l.TotalBytes = cmp.Or(l.TotalBytes, 16<<30)
	l.Cells = cmp.Or(l.Cells, 200_000_000)
	l.TextBytes = cmp.Or(l.TextBytes, 2<<30)
	return l
}
