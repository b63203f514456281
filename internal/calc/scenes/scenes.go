// Package scenes is the workbooks of the speed goals: what the benchmarks of package calc
// calculate in memory, and what bench/calc writes as files and gives to others.
//
// Its one invariant: a scene is the same whenever it is made, so that who calculates it can be
// compared with whom.
//
// Start reading at [All].
package scenes

import (
	"fmt"

	"gridflow/internal/cell"
)

// Maker takes the cells of a sheet, row by row and in a row from left to right. Rows and columns
// are counted from 0; a formula has no "=".
type Maker interface {
	Number(row, col int, f float64)
	Text(row, col int, s string)
	Formula(row, col int, text string)
}

// Scene is a workbook of one sheet.
type Scene struct {
	Name string
	// Fill makes the cells, with the number of rows divided by scale.
	Fill func(m Maker, scale int)
	// Edit is a cell that holds a number on which formulas depend.
	Edit cell.Ref
}

// All are the scenes.
var All = []Scene{
	// Three columns of formulas copied down beside numbers, and a sum.
	{"S1M", func(m Maker, scale int) {
		for r := range 250000 / scale {
			m.Number(r, 0, float64(r%1000)+0.5)
			m.Formula(r, 1, fmt.Sprintf("A%d*2", r+1))
			m.Formula(r, 2, fmt.Sprintf("B%d+A%d", r+1, r+1))
			m.Formula(r, 3, fmt.Sprintf("IF(C%d>500,C%d-A%d,B%d)", r+1, r+1, r+1, r+1))
		}
	}, cell.Ref{Row: 100, Col: 0}},
	// A chain: each cell adds one to that above.
	{"S2", func(m Maker, scale int) {
		m.Number(0, 0, 1)
		for r := 1; r < 100000/scale; r++ {
			m.Formula(r, 0, fmt.Sprintf("A%d+1", r))
		}
	}, cell.Ref{}},
	// Sums that grow.
	{"S3", func(m Maker, scale int) {
		for r := range 10000 / scale {
			m.Number(r, 0, float64(r%100))
			m.Formula(r, 1, fmt.Sprintf("SUM(A$1:A%d)", r+1))
		}
	}, cell.Ref{Row: 5, Col: 0}},
	// Many that read one cell.
	{"S4", func(m Maker, scale int) {
		m.Number(0, 0, 3)
		for r := range 100000 / scale {
			m.Formula(r, 1, fmt.Sprintf("$A$1*%d", r%7+1))
		}
	}, cell.Ref{}},
	// Exact lookups in unsorted rows.
	{"S5", func(m Maker, scale int) {
		n := 20000 / scale
		for r := range n {
			m.Number(r, 0, float64((r*7919)%n))
			m.Number(r, 1, float64(r))
			m.Number(r, 3, float64((r*104729)%n))
			m.Formula(r, 4, fmt.Sprintf("VLOOKUP(D%d,$A$1:$B$%d,2,FALSE)", r+1, n))
		}
	}, cell.Ref{Row: 10, Col: 3}},
	// Conditional sums.
	{"S6", func(m Maker, scale int) {
		n := 100000 / scale
		for r := range n {
			m.Text(r, 0, fmt.Sprintf("k%d", (r*31)%500))
			m.Number(r, 1, float64((r*17)%10))
			m.Number(r, 2, float64(r%100))
			if r < 500/scale {
				m.Formula(r, 5, fmt.Sprintf(`SUMIFS($C$1:$C$%d,$A$1:$A$%d,"k%d",$B$1:$B$%d,">4")`, n, n, r, n))
			}
		}
	}, cell.Ref{Row: 10, Col: 2}},
}
