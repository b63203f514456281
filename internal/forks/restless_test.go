package forks

import (
	"bytes"
	"fmt"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/structure"
)

// A workbook that was written without values, and has a formula that only evaluation can follow, is
// opened anew for each line. Its structure changes all the same, sheets that come and go included:
// what was opened is the file as it was before.
func TestStructure_Restless(t *testing.T) {
	b := &genbook.Book{}
	for k := range 3 {
		var g genbook.Grid
		for row := 1; row <= 3; row++ {
			g.Set(fmt.Sprintf("A%d", row), 0, float64(10*k+row))
			g.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("A%d*2", row), nil)
		}
		g.Formula("C1", 0, "OFFSET(A1,1,0)", nil)
		g.Formula("C2", 0, "SUM(S0:S2!A1)", nil)
		b.AddSheet(g.Fill(&genbook.Sheet{Name: fmt.Sprintf("S%d", k)}))
	}
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		changes []structure.Change
		want    map[string]string
	}{
		"deleted": {[]structure.Change{{Kind: structure.DeleteSheet, Sheet: "S1"}}, map[string]string{"S2!B3": "46=A3*2", "S2!C1": "22=OFFSET(A1,1,0)", "S0!C2": "22=SUM(S0:S2!A1)"}},
		"added":   {[]structure.Change{{Kind: structure.AddSheet, Sheet: "New", Position: 1}}, map[string]string{"S2!B3": "46=A3*2", "S2!C1": "22=OFFSET(A1,1,0)", "S0!C2": "33=SUM(S0:S2!A1)"}},
		"moved":   {[]structure.Change{{Kind: structure.MoveSheet, Sheet: "S2", Position: 0}}, map[string]string{"S2!B3": "46=A3*2", "S2!C1": "22=OFFSET(A1,1,0)"}},
		"rows":    {[]structure.Change{{Kind: structure.InsertRows, Sheet: "S1", At: 0, Count: 1}}, map[string]string{"S1!B4": "26=A4*2", "S1!C2": "12=OFFSET(A2,1,0)", "S0!C2": "22=SUM(S0:S2!A1)"}},
		"several": {[]structure.Change{{Kind: structure.DeleteSheet, Sheet: "S0"}, {Kind: structure.AddSheet, Sheet: "New", Position: 2}, {Kind: structure.DeleteRows, Sheet: "S1", At: 0, Count: 1}}, map[string]string{"S1!B2": "26=A2*2", "S2!C1": "22=OFFSET(A1,1,0)"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.put("t.xlsx", file.Bytes())
			id := r.create("t.xlsx").ID
			r.read(id) // opens the file
			r.edit(id, restructured(c.changes...))
			r.shows(id, c.want)
			r.edit(id, set("S2", "Z9", book.CellEdit{Value: cell.NumberValue(1)}))
			r.shows(id, c.want)
			r.restart()
			r.shows(id, c.want)
			r.save(id, "out.xlsx")
			r.shows(r.create("out.xlsx").ID, c.want)
		})
	}
}
