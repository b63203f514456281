package tools

import "gridflow/internal/book"

// room is how many more cells a call may change, by their weight (book.Weight). An edit takes some
// 250 bytes until it is made, and more where texts are long, and a call may be about all cells of a
// sheet: what does not fit the memory is to be refused before the system ends the process, with all
// others that it serves. A nil room has no bound.
type room struct {
	most, left int
	over       bool // there were more
}

// room gives that of a call.
func (e *Env) room() *room {
	if n := e.Caps.MaxEditCells; n > 0 {
		return &room{most: n, left: n}
	}
	return nil
}

// take takes room for an edit, and reports false where there is none.
func (r *room) take(c book.CellEdit) bool { return r.weigh(c.Weight()) }

// weigh takes room for so much.
func (r *room) weigh(weight int) bool {
	switch {
	case r == nil:
		return true
	case r.left < weight:
		r.over = true
		return false
	}
	r.left -= weight
	return true
}

// fitting gives as many of so many cells as there is room for.
func (r *room) fitting(cells int64) int64 {
	if r == nil {
		return cells
	}
	return min(cells, int64(r.left))
}

// err is the error of a call that had more to change than it may.
func (r *room) err() error {
	if r == nil || !r.over {
		return nil
	}
	return fail("TOO_MANY", "Change a part at a time, such as some of the rows. The operator can set --max-edit-cells", "there are more than %d cells to change, a long text counting for several", r.most)
}
