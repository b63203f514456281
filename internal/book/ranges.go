package book

import (
	"fmt"
	"strings"

	"gridflow/internal/cell"
)

// Ranges is a list of ranges, which in the journal is one text, as in "A1:B2 D4".
type Ranges []cell.Range

// MarshalText gives the ranges in A1 form with blanks between.
func (r Ranges) MarshalText() ([]byte, error) {
	b := []byte{}
	for i, one := range r {
		if i > 0 {
			b = append(b, ' ')
		}
		b = one.AppendA1(b)
	}
	return b, nil
}

// UnmarshalText reads what MarshalText gives.
func (r *Ranges) UnmarshalText(text []byte) error {
	list := make(Ranges, 0, strings.Count(string(text), " ")+1)
	for word := range strings.FieldsSeq(string(text)) {
		one, ok := cell.ParseRange(word)
		if !ok {
			return fmt.Errorf("%q is no range", word)
		}
		list = append(list, one)
	}
	*r = list
	return nil
}
