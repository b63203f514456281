package analyze

import (
	"context"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/lazy"
)

// Progress is told how far long work is, in units of its own. A nil Progress is nobody.
type Progress func(done, total int, message string)

func (p Progress) report(done, total int, message string) {
	if p != nil {
		p(done, total, message)
	}
}

// Graph is the references between the formulas of a workbook. What a sheet refers to
// is resolved when it is first asked for; what refers to a cell takes one pass over all
// sheets, at the first question. It holds no pointer to the snapshot.
type Graph struct {
	sheets  []lazy.Load[*sheetGraph]
	reverse lazy.Load[*reverse]
}

// GraphOf gives the graph of a snapshot, from the cache where it is known.
func GraphOf(ctx context.Context, snap *book.Snapshot) (*Graph, error) {
	return graphs.get(ctx, snap, func(context.Context) (*Graph, error) { return NewGraph(snap), nil }, (*Graph).memoryBytes)
}

// NewGraph starts the graph of a snapshot. Nothing is read yet.
func NewGraph(snap *book.Snapshot) *Graph {
	return &Graph{sheets: make([]lazy.Load[*sheetGraph], len(snap.Workbook().Sheets))}
}

func (g *Graph) memoryBytes() int64 {
	n := int64(256 * (1 + len(g.sheets)))
	for i := range g.sheets {
		if s, ok := g.sheets[i].Peek(); ok {
			n += s.memoryBytes() + int64(40*cap(s.links)+4*len(s.starts))
		}
	}
	if r, ok := g.reverse.Peek(); ok {
		for _, to := range r.to {
			n += int64(24*cap(to.entries) + 4*len(to.blockMax))
		}
	}
	return n
}

// sheetGraph is the skeleton of a sheet with what its templates refer to: template t
// has links[starts[t]:starts[t+1]].
type sheetGraph struct {
	*Skeleton
	starts    []uint32
	links     []link
	names     []string // that links came through
	externals []string
	cut       bool // there were more links than linksPerSheet
}

func (s *sheetGraph) linksOf(template int32) []link {
	return s.links[s.starts[template]:s.starts[template+1]]
}

// linksPerSheet bounds the references that are kept for a sheet: 40 bytes each.
const linksPerSheet = 1 << 21

// sheet gives the references of sheet i.
func (g *Graph) sheet(ctx context.Context, snap *book.Snapshot, i int) (*sheetGraph, error) {
	return g.sheets[i].Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*sheetGraph]) (*sheetGraph, error) {
		s, err := snap.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		k, err := SkeletonOf(ctx, s)
		if err != nil {
			return nil, err
		}
		r, err := newResolver(ctx, snap)
		if err != nil {
			return nil, err
		}
		out := &sheetGraph{Skeleton: k, starts: make([]uint32, len(k.Templates)+1)}
		p := newPace(ctx)
		for t := range k.Templates {
			if err := p.step(64); err != nil {
				return nil, err
			}
			tpl := &k.Templates[t]
			if tpl.Err == "" && len(out.links) < linksPerSheet {
				c, _ := s.At(tpl.At)
				// The text is read again rather than kept: it belongs to the sheet.
				if tree, err := formula.Parse(book.FormulaText(s, c)); err == nil {
					out.links = r.links(out.links, tree, i, tpl.At, -1, 0)
				}
			}
			out.cut = out.cut || len(out.links) >= linksPerSheet
			out.starts[t+1] = uint32(len(out.links))
		}
		out.names, out.externals = r.labels, r.externals
		return out, nil
	})
}

// reverse finds the references that reach a range.
type reverse struct {
	to  []incoming // by sheet
	cut bool       // there were more than reverseMax, or a sheet was cut
}

// incoming is the references into one sheet, by the first row that they reach.
type incoming struct {
	entries  []entry
	blockMax []int32 // the largest r1 of each block of entries
}

// entry is one reference of the formulas of one run, with the smallest range that it
// covers as seen from all of them. Columns are exact, because a run has only one.
type entry struct {
	sheet  int32 // that holds the run
	run    int32
	link   int32
	r0, r1 int32
	c0, c1 uint16
}

const (
	reverseMax = 1 << 21 // entries: 24 bytes each
	blockShift = 6
)

// reversed gives the references by what they reach, reading all sheets.
func (g *Graph) reversed(ctx context.Context, snap *book.Snapshot, progress Progress) (*reverse, error) {
	return g.reverse.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*reverse]) (*reverse, error) {
		out := &reverse{to: make([]incoming, len(g.sheets))}
		p := newPace(ctx)
		n := 0
		for i := range g.sheets {
			progress.report(i, len(g.sheets), "reading the formulas of sheet "+snap.Workbook().Sheets[i].Name)
			s, err := g.sheet(ctx, snap, i)
			if err != nil {
				return nil, err
			}
			out.cut = out.cut || s.cut || s.Left > 0
			for run, x := range s.Runs {
				links := s.linksOf(x.Template)
				if err := p.step(1 + len(links)); err != nil {
					return nil, err
				}
				for j := range links {
					l := &links[j]
					if l.from < 0 {
						continue
					}
					t, ok := l.target(x.Col, x.First, x.Last)
					if !ok {
						continue
					}
					if n += int(l.to - l.from + 1); n > reverseMax {
						out.cut = true
						break
					}
					e := entry{int32(i), int32(run), int32(s.starts[x.Template]) + int32(j), int32(t.First.Row), int32(t.Last.Row), uint16(t.First.Col), uint16(t.Last.Col)}
					for to := l.from; to <= l.to; to++ {
						out.to[to].entries = append(out.to[to].entries, e)
					}
				}
			}
		}
		for i := range out.to {
			out.to[i].index()
		}
		return out, nil
	})
}

// index sorts the entries and notes how far down each block of them reaches.
func (t *incoming) index() {
	t.entries = slices.Clip(t.entries)
	slices.SortFunc(t.entries, func(a, b entry) int {
		if a.r0 != b.r0 {
			return int(a.r0 - b.r0)
		}
		if a.sheet != b.sheet {
			return int(a.sheet - b.sheet)
		}
		if a.run != b.run {
			return int(a.run - b.run)
		}
		return int(a.link - b.link)
	})
	t.blockMax = make([]int32, (len(t.entries)+1<<blockShift-1)>>blockShift)
	for i, e := range t.entries {
		b := &t.blockMax[i>>blockShift]
		*b = max(*b, e.r1)
	}
}

// reaching calls yield for the entries that touch x until it gives false.
func (t *incoming) reaching(x cell.Range, yield func(entry) bool) {
	r0, r1 := int32(x.First.Row), int32(x.Last.Row)
	for b, reach := range t.blockMax {
		if t.entries[b<<blockShift].r0 > r1 {
			return
		}
		if reach < r0 {
			continue
		}
		for _, e := range t.entries[b<<blockShift : min((b+1)<<blockShift, len(t.entries))] {
			if e.r0 <= r1 && e.r1 >= r0 && int(e.c0) <= x.Last.Col && int(e.c1) >= x.First.Col && !yield(e) {
				return
			}
		}
	}
}
