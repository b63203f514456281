package grid

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/crew"
)

// Values are new values of cells of one column in one band: what a calculation brings. Only
// those of the rows in Changed count; Kinds, Nums and Texts are by row in the band. A
// number is in Nums, as are 0 or 1 for a logical value and the code of an error. Texts may be
// nil where there is no text.
type Values struct {
	Band, Col int
	Changed   *[BandRows / 64]uint64
	Kinds     *[BandRows]cell.Kind
	Nums      *[BandRows]float64
	Texts     *[BandRows]string
}

// value gives the value for a row of the band.
func (v *Values) value(i int) cell.Value {
	text := ""
	if v.Kinds[i] == cell.Text {
		text = v.Texts[i]
	}
	return cell.ValueOf(v.Kinds[i], v.Nums[i], text)
}

// rows yields the rows of the band that changed.
func (v *Values) rows(yield func(int) bool) {
	for w, bitsLeft := range v.Changed {
		for ; bitsLeft != 0; bitsLeft &= bitsLeft - 1 {
			if !yield(w*64 + bits.TrailingZeros64(bitsLeft)) {
				return
			}
		}
	}
}

// WithValues gives the sheet with other values, as With does for changes of the kind
// SetValue, but at the cost of some nanoseconds a cell where many cells of a band have new ones.
// No column of a band may be there twice. As many goroutines as workers says share the work, if
// it pays; all have ended when the sheet is there. The error is that of ctx or an *EditError.
func (s *Sheet) WithValues(ctx context.Context, list []Values, workers int) (*Sheet, error) {
	if !s.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	n := *s
	var whole, few []*Values
	for i := range list {
		v := &list[i]
		if s.dense(v) {
			whole = append(whole, v)
			continue
		}
		few = append(few, v)
	}
	if len(whole) > 0 {
		if err := n.revalue(ctx, whole, workers); err != nil {
			return nil, err
		}
	}
	return n.withFew(ctx, few)
}

// valuesAtOnce is about how many changes are made out of values at a time, so that a large array takes no memory of
// its size once more, and can be given up.
const valuesAtOnce = 1 << 16

// withFew gives the sheet with other values, cell by cell. s is not yet handed out.
func (s *Sheet) withFew(ctx context.Context, list []*Values) (*Sheet, error) {
	slices.SortFunc(list, compareValues)
	var changes []Change
	for i, v := range list {
		for row := range v.rows {
			changes = append(changes, Change{Ref: cell.Ref{Row: v.Band*BandRows + row, Col: v.Col}, Kind: SetValue, Value: v.value(row)})
		}
		if i+1 < len(list) && len(changes) < valuesAtOnce {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		slices.SortFunc(changes, func(a, b Change) int { return order(a.Ref) - order(b.Ref) })
		next, err := s.With(changes)
		if err != nil {
			return nil, err
		}
		s, changes = next, changes[:0]
	}
	return s, nil
}

func compareValues(a, b *Values) int {
	return cmp.Or(cmp.Compare(a.Band, b.Band), cmp.Compare(a.Col, b.Col))
}

// dense reports whether a chunk is better made anew than patched: many of its cells change,
// all of them have a formula, and nothing lies over them.
func (s *Sheet) dense(v *Values) bool {
	count := 0
	for _, w := range v.Changed {
		count += bits.OnesCount64(w)
	}
	first := v.Band * BandRows
	k := s.band(first).chunk(v.Col)
	if count < foldDense || k == nil || s.patchedBetween(first, first+BandRows-1) {
		return false
	}
	if n := len(k.formulaRows); n > 0 && int(k.formulaRows[n-1]-k.formulaRows[0]) == n-1 {
		return v.within(int(k.formulaRows[0]), int(k.formulaRows[n-1]))
	}
	f := 0
	for row := range v.rows {
		for f < len(k.formulaRows) && int(k.formulaRows[f]) < row {
			f++
		}
		if f == len(k.formulaRows) || int(k.formulaRows[f]) != row {
			return false
		}
	}
	return true
}

// within reports whether only rows from one to another changed.
func (v *Values) within(first, last int) bool {
	for w, changed := range v.Changed {
		if changed&^mask(w, first, last) != 0 {
			return false
		}
	}
	return true
}

// mask has the bits of word w for the rows from one to another.
func mask(w, first, last int) uint64 {
	lo, hi := max(first-w*64, 0), min(last-w*64, 63)
	if lo > hi {
		return 0
	}
	return ^uint64(0) << lo & (^uint64(0) >> (63 - hi))
}

// worthWorker is how many chunks are worth a goroutine more.
const worthWorker = 32

// revalue puts new values into chunks. s is not yet handed out.
func (s *Sheet) revalue(ctx context.Context, list []*Values, workers int) error {
	slices.SortFunc(list, compareValues)
	bands := slices.Clone(s.bands)
	chunks := make([]*Chunk, len(list))
	for i := 0; i < len(list); {
		b := *bands[list[i].Band]
		b.chunks = slices.Clone(b.chunks)
		bands[list[i].Band] = &b
		for n := list[i].Band; i < len(list) && list[i].Band == n; i++ {
			at, _ := slices.BinarySearch(b.cols, uint16(list[i].Col))
			chunks[i] = b.chunks[at]
		}
	}
	// Texts get their numbers in their order, whoever makes the other chunks.
	var texts StringsBuilder
	own, limit := s.own.len(), int64(1)<<31-int64(s.formulas.len())-int64(s.own.len())
	intern := func(text string) (uint64, bool) {
		t, ok := texts.Intern([]byte(text))
		return uint64(own) + uint64(t), ok && int64(t) < limit
	}
	workers = max(min(workers, len(list)/worthWorker), 1)
	var wg crew.Crew
	for k := range workers {
		work := func() {
			c := columns.Get().(*column)
			defer columns.Put(c)
			defer c.reset()
			for i := k * len(list) / workers; i < (k+1)*len(list)/workers && ctx.Err() == nil; i++ {
				if list[i].Texts == nil {
					chunks[i], _ = chunks[i].revalued(list[i], c, nil)
				}
			}
		}
		if k == workers-1 {
			work()
		} else {
			wg.Go(work)
		}
	}
	wg.Wait()
	c := columns.Get().(*column)
	defer columns.Put(c)
	defer c.reset()
	for i, v := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if v.Texts != nil {
			var ok bool
			if chunks[i], ok = chunks[i].revalued(v, c, intern); !ok {
				return &EditError{Ref: cell.Ref{Row: v.Band * BandRows, Col: v.Col}, Reason: ErrFull}
			}
		}
		b := bands[v.Band]
		at, _ := slices.BinarySearch(b.cols, uint16(v.Col))
		b.chunks[at] = chunks[i]
	}
	if texts.Len() > 0 {
		s.own = s.own.with(&texts)
	}
	s.bands = bands
	s.compact()
	return nil
}

// revalued gives the chunk with other values; intern gives the number of a text.
func (k *Chunk) revalued(v *Values, c *column, intern func(string) (uint64, bool)) (*Chunk, bool) {
	if n := k.renumbered(v); n != nil {
		return n, true
	}
	c.reset()
	for i := range k.n {
		o := k.row(i)
		t, payload := k.tagAt(i), k.payloadAt(i)
		if v.Changed[o/64]&(1<<(o%64)) != 0 {
			t, payload = tagBlank, 0
			switch v.Kinds[o] {
			case cell.Number:
				t, payload = encodeNumber(v.Nums[o])
			case cell.Bool:
				t, payload = tagBool, uint64(v.Nums[o])
			case cell.Error:
				t, payload = tagError, uint64(v.Nums[o])
			case cell.Text:
				var ok bool
				if payload, ok = intern(v.Texts[o]); !ok {
					return nil, false
				}
				t = tagOwn
			}
		}
		if like := likeness(t, k.styleAt(i)); len(c.runs) > 0 && o == c.next && like == c.alike {
			c.next = o + 1
			c.payload = append(c.payload, payload)
		} else {
			c.add(o, like, payload)
		}
	}
	n := c.seal()
	n.formulaRows, n.formulas = k.formulaRows, k.formulas
	return n, true
}

// renumbered is revalued where all cells follow one another, have one style and get numbers, as
// those of a column that is copied down do; else it gives nil.
func (k *Chunk) renumbered(v *Values) *Chunk {
	if k.rows != nil || k.styles != nil {
		return nil
	}
	first, last := int(k.first), int(k.first)+k.n-1
	for w, changed := range v.Changed {
		if m := mask(w, first, last); changed&m != m {
			return nil
		}
	}
	for _, kind := range v.Kinds[first : last+1] {
		if kind != cell.Number {
			return nil
		}
	}
	nums := v.Nums[first : last+1]
	whole, all := true, uint64(0)
	for _, f := range nums {
		if f-f != 0 {
			return nil
		}
		i := int32(f)
		whole = whole && math.Float64bits(float64(i)) == math.Float64bits(f)
		all |= uint64(uint32(i))
	}
	n := &Chunk{n: k.n, first: k.first, tag: tagFloat, style: k.style, width: 8, formulaRows: k.formulaRows, formulas: k.formulas}
	if whole {
		n.tag, n.width = tagInt, width(all)
	}
	n.payload = make([]byte, k.n*int(n.width))
	switch b := n.payload; n.width {
	case 0:
		n.payload = nil
	case 1:
		for i, f := range nums {
			b[i] = byte(int32(f))
		}
	case 2:
		for i, f := range nums {
			binary.LittleEndian.PutUint16(b[2*i:], uint16(int32(f)))
		}
	case 4:
		for i, f := range nums {
			binary.LittleEndian.PutUint32(b[4*i:], uint32(int32(f)))
		}
	default:
		for i, f := range nums {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(f))
		}
	}
	return n
}
