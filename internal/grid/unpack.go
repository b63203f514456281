package grid

import (
	"iter"
	"math"

	"gridflow/internal/cell"
)

// Chunk gives the chunk of a column in a band, nil where there is none. Where two versions of
// a sheet have the same one, they have the same values there, but for the cells that Patched
// yields.
func (s *Sheet) Chunk(col, band int) *Chunk {
	if uint(band) >= uint(len(s.bands)) {
		return nil
	}
	return s.bands[band].chunk(col)
}

// Patched yields the rows of a band in which edits put other cells over the chunk of a column.
func (s *Sheet) Patched(col, band int) iter.Seq[int] {
	return func(yield func(int) bool) {
		patches := s.patchesBetween(band*BandRows, (band+1)*BandRows-1)
		for i := range patches {
			if p := &patches[i]; int(p.col) == col && !yield(int(p.row)) {
				return
			}
		}
	}
}

// Unpack puts the values of chunk k, which is one of s, into lists by row in the band, which
// hold nothing yet: the numbers, 0 or 1 of a logical value, the code of an error. The texts
// are nil where there is none.
func (s *Sheet) Unpack(k *Chunk, kinds *[BandRows]cell.Kind, nums *[BandRows]float64) (texts *[BandRows]string) {
	if k.tags == nil && k.tag == tagBlank {
		return nil
	}
	if k.tags == nil && k.rows == nil && (k.tag == tagInt || k.tag == tagFloat) {
		kinds, nums := kinds[k.first:][:k.n], nums[k.first:][:k.n]
		for i := range kinds {
			kinds[i] = cell.Number
		}
		for i := range nums {
			if p := k.payloadAt(i); k.tag == tagFloat {
				nums[i] = math.Float64frombits(p)
			} else {
				nums[i] = float64(int32(p))
			}
		}
		return nil
	}
	for i := range k.n {
		o := k.row(i) & (BandRows - 1)
		switch t, p := k.tagAt(i), k.payloadAt(i); t {
		case tagBlank:
		case tagInt:
			kinds[o], nums[o] = cell.Number, float64(int32(p))
		case tagFloat:
			kinds[o], nums[o] = cell.Number, math.Float64frombits(p)
		default:
			v := s.decode(t, p)
			kinds[o], nums[o] = v.Kind(), v.Payload()
			if v.Kind() == cell.Text {
				if texts == nil {
					texts = new([BandRows]string)
				}
				texts[o] = v.Text()
			}
		}
	}
	return texts
}
