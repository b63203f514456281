package grid

import (
	"cmp"
	"strings"
)

// CompareNames orders defined names as Excel lists them: by their letters, whatever the case, and those of
// one name by the sheet that they are of, the workbook's own first.
func CompareNames(a, b *Name) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Sheet, b.Sheet))
}

// NamePlace gives where a new name goes in a list: before the first that comes after it. The list need
// not be in order, and the others stay where they are.
func NamePlace(list []Name, n *Name) int {
	for i := range list {
		if CompareNames(&list[i], n) > 0 {
			return i
		}
	}
	return len(list)
}
