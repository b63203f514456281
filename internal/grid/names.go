package grid

import (
	"cmp"
	"strings"
)

// Names that Excel keeps to itself, each of a sheet: what is printed of it, the rows and columns that are on each of its pages, and
// where its filter is.
const (
	PrintArea      = "_xlnm.Print_Area"
	PrintTitles    = "_xlnm.Print_Titles"
	FilterDatabase = "_xlnm._FilterDatabase"
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
