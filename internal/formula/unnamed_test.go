package formula

import "testing"

// TestPartOfUnnamedTable: which formulas may mean the table around their cell.
func TestPartOfUnnamedTable(t *testing.T) {
	for text, want := range map[string]bool{
		"SUBTOTAL(109,[Amount])":                true,
		"[@Amount]*2":                           true,
		"[[#This Row],[Amount]]*2":              true,
		"1+[Amount]":                            true,
		"A1:B9 [Amount]":                        true,
		"Sales[Amount]+[Tax]":                   true,
		"[1]Sheet1!A1":                          true, // the parser tells
		"Sales[Amount]":                         false,
		"Sales[[#This Row],[Amount]]":           false,
		"Sales[[#This Row],[a]:[b]]+Sales[Tax]": false,
		"Sales[a'[b]":                           false,
		`"[Amount]"&A1`:                         false,
		"'[Book.xlsx]Sheet 1'!A1":               false,
		"SUM(A1:A9)":                            false,
		"Umsätze[Betrag]":                       false,
		"Größe[Maß]*Ä[x]":                       false,
		"Ä[x":                                   false,
		"[":                                     true,
	} {
		if got := PartOfUnnamedTable([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
