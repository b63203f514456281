package formula

import "testing"

func TestSpills(t *testing.T) {
	for text, want := range map[string]bool{
		"FILTER(A1:A3,B1:B3>0)":               true,
		"_xlfn._xlws.SORT(A1:A3)":             true,
		"_xlfn.ANCHORARRAY(A1)":               true,
		"ANCHORARRAY(A1)":                     false, // a user's function
		"=unique(A:A)":                        true,
		"A1#":                                 true,
		"(A1#)*2":                             true,
		"-SEQUENCE(3)%":                       true,
		"@SEQUENCE(3)":                        false,
		"_xlfn.SINGLE(A1:A3)":                 false,
		"SUM(SEQUENCE(3))":                    false,
		"A1:A3*2":                             false,
		"A1:A1*2":                             false,
		"A1:A3":                               false,
		"A1*2":                                false,
		"A:A*2":                               false,
		"Sheet2!A1:B1&\"\"":                   false,
		"A1:A3 A2:C2":                         false,
		"(A1:A3,B1)":                          false,
		"{1,2}":                               false,
		"{1}+1":                               false,
		"IFERROR(FILTER(A1:A3,B1:B3),\"\")":   true,
		"IFERROR(VLOOKUP(A1,B1:C3,2,0),\"\")": false,
		"IF(A1>0,SORT(B1:B3),0)":              true,
		"IF(A1>0,SUM(B1:B3),0)":               false,
		"LEN(A1:A3)":                          false,
		"ROUND(A1*2,0)":                       false,
		"ROUND(MMULT(A1:B2,C1:D2),0)":         true,
		"LET(x,A1:A3,y,x*2,y+1)":              false,
		"LET(x,A1:A3,SUM(x))":                 false,
		"LET(x,A1#,y,x*2,y+1)":                true,
		"_xlfn.LET(_xlpm.x,A1#,_xlpm.X)":      true,
		"LEN(A1#)":                            true,
		"XLOOKUP(A1#,B1:B9,C1:C9)":            false,
		"LET(x,1,LET(x,A1#,x))":               true,
		"LET(x,A1#,LET(x,1,x))":               false,
		"_xlfn.LET(_xlpm.x,A1:A3,_xlpm.X)":    false,
		"XLOOKUP(A1,B1:B9,C1:C9)":             false,
		"XLOOKUP(A1,B1:B9,C1:E9)":             false,
		"XLOOKUP(A1:A2,B1:B9,C1:C9)":          false,
		"Rate*2":                              false,
		"Table1[Amount]*2":                    false,
		"[1]!FILTER(A1)":                      false,
		"LAMBDA(x,x)(A1:A3)":                  false,
		"TRANSPOSE(A1:A3)":                    true,
	} {
		tree, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.Spills(); got != want {
			t.Errorf("%s: spills %v, want %v", text, got, want)
		}
	}
}

// TestSpillsStored: what is stored spills as what was typed does.
func TestSpillsStored(t *testing.T) {
	for _, r := range readRecords(t, "testdata/stored.txt") {
		typed, err := Parse(r.formula)
		if err != nil {
			t.Fatal(err)
		}
		text, err := Stored(r.formula)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if typed.Spills() != stored.Spills() {
			t.Errorf("%s spills: %v, stored as %s: %v", r.formula, typed.Spills(), text, stored.Spills())
		}
	}
}
