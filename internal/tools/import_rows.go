package tools

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/xf"
)

// readRows reads the rows of a grid: lists of values, as grid_export writes them, or objects with cells that have offsets.
func (g *gridPayload) readRows(rows node, anchor cell.Ref) error {
	row := 0 // of the list
	for _, n := range rows.items {
		switch {
		case n.kind == arrayNode:
			if err := g.readRow(n, anchor, row); err != nil {
				return err
			}
			row++
		case n.kind == objectNode && slices.Contains(n.names, "skip"):
			count, err := skipped(n)
			if err != nil {
				return err
			}
			row += count
		case n.kind == objectNode:
			if err := n.members(gridRowMembers, "a row of a grid"); err != nil {
				return err
			}
			for _, c := range n.member("cells").items {
				x, err := readGridCell(c, anchor)
				if err != nil {
					return err
				}
				g.add(x)
			}
		default:
			return invalid(gridExample, "%s is no row of a grid", n.brief())
		}
	}
	return nil
}

// add puts a cell into the grid.
func (g *gridPayload) add(x gridCell) {
	g.cells = append(g.cells, x)
	g.covers = g.covers.Union(cell.Range{First: x.ref, Last: x.ref})
}

// skipped gives how many rows or cells are left out.
func skipped(n node) (int, error) {
	count, err := n.member("skip").integer()
	if err != nil || count < 1 || count > cell.MaxRows || len(n.names) > 1 {
		return 0, invalid(gridExample, "%s skips no rows or cells: give {\"skip\":2}", n.brief())
	}
	return count, nil
}

// readRow reads a list of values.
func (g *gridPayload) readRow(list node, anchor cell.Ref, row int) error {
	col := 0
	for _, v := range list.items {
		if v.kind == objectNode && slices.Contains(v.names, "skip") {
			count, err := skipped(v)
			if err != nil {
				return err
			}
			col += count
			continue
		}
		if v.kind == nullNode {
			col++
			continue
		}
		x := gridCell{ref: cell.Ref{Row: anchor.Row + row, Col: anchor.Col + col}}
		if !x.ref.Valid() {
			return fail(codeRangeInvalid, "Choose another anchor", "the cell at offset %d, %d would lie outside of the sheet", row, col)
		}
		col++
		if v.kind == objectNode {
			for i, name := range v.names {
				switch {
				case name == "t" && v.items[i].kind == textNode:
					x.kind = v.items[i].text
				case name != "v":
					return at(x.ref, invalid(gridExample, `a value of a grid has no %s; write {"v":"=A1","t":"text"} for a text that reads as something else`, clip(name, 40)))
				}
			}
			v = v.member("v")
		}
		if v.kind == textNode && x.kind == "" && strings.HasPrefix(v.text, "=") {
			x.formula = strings.TrimSpace(v.text[1:])
		} else if err := x.read(v); err != nil {
			return err
		}
		g.add(x)
	}
	return nil
}

// read takes a value.
func (x *gridCell) read(v node) (err error) {
	if v.kind == arrayNode || v.kind == objectNode {
		return at(x.ref, invalid(gridExample, "the value is %s", v.brief()))
	}
	x.given = v.kind != nullNode
	x.value = Scalar{Text: v.text, Kind: map[nodeKind]ScalarKind{textNode: TextScalar, numberNode: NumberScalar, boolNode: BoolScalar}[v.kind]}
	if x.value.Number = 0; v.kind == numberNode {
		if x.value.Number, err = strconv.ParseFloat(v.text, 64); err != nil || math.IsInf(x.value.Number, 0) {
			return at(x.ref, invalid("", "%s is no number that a cell can hold", clip(v.text, 40)))
		}
	} else if v.text == "true" && v.kind == boolNode {
		x.value.Number = 1
	}
	return nil
}

// formatRangesMax bounds the ranges that formats of a grid have.
const formatRangesMax = 20_000

// readFormats reads formats with the cells that have them, which are told by where the grid was.
func (g *gridPayload) readFormats(list node, anchor cell.Ref) error {
	ranges := 0
	for _, n := range list.items {
		if err := n.members(gridFormatMembers, "a format of a grid"); err != nil {
			return err
		}
		var l gridLook
		for i, name := range n.names {
			v := n.items[i]
			switch name {
			case "cells":
				for text := range strings.SplitSeq(v.text, ",") {
					r, ok := cell.ParseRange(strings.ReplaceAll(strings.TrimSpace(text), "$", ""))
					if !ok {
						return invalid(gridExample, "%q are no cells that have a format: write A1:B2,C5", clip(text, 40))
					}
					to, ok := g.moved(r, anchor)
					if !ok {
						return fail(codeRangeInvalid, "Choose another anchor", "the format of %s would lie outside of the sheet", r)
					}
					l.ranges = append(l.ranges, to)
					g.covers = g.covers.Union(to)
				}
			case "fmt":
				if l.format = v.text; l.format != "" {
					if _, err := xf.Check(xf.NumberFormat, l.format); err != nil {
						return fail("BAD_STYLE", "", "%v", err)
					}
				}
			case "style":
				l.style, l.styled = v, v.kind == objectNode
			}
		}
		if len(l.ranges) == 0 {
			return invalid(gridExample, `%s is no format of a grid: it needs the cells that have it, as "cells":"A1:B2,C5"`, n.brief())
		}
		if ranges += len(l.ranges); ranges > formatRangesMax {
			return fail("TOO_MANY", "Import it in parts", "the formats of the grid have more than %d ranges", formatRangesMax)
		}
		g.looks = append(g.looks, l)
	}
	return nil
}

// dateCells tells the cells with texts, which are in order, that their format is one of dates: as dates they are read then.
func (g *gridPayload) dateCells() {
	var list, open []cell.Range
	for i := range g.looks {
		if l := &g.looks[i]; l.format != "" && numfmt.Compile(l.format).IsDate() {
			list = append(list, l.ranges...)
		}
	}
	slices.SortStableFunc(list, func(a, b cell.Range) int { return cmp.Compare(a.First.Row, b.First.Row) })
	row := -1
	for i := range g.cells {
		x := &g.cells[i]
		if x.format != "" || x.value.Kind != TextScalar {
			continue
		}
		if x.ref.Row != row {
			row = x.ref.Row
			open = slices.DeleteFunc(open, func(r cell.Range) bool { return r.Last.Row < row })
			for len(list) > 0 && list[0].First.Row <= row {
				open, list = append(open, list[0]), list[1:]
			}
		}
		x.dated = slices.ContainsFunc(open, func(r cell.Range) bool { return r.Contains(x.ref) })
	}
}
