package patch

import (
	"bytes"
	"slices"
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// change makes the edit of a cell that is in the file.
func (e *sheetEditor) change(i int) error {
	c, spot := &e.cells[i], &e.l.Cells[i]
	// Of several that speak of one cell the last counts. When it goes, none may come to light.
	if before := e.l.Earlier(i); len(before) > 0 {
		if !c.Remove && c.Keep != KeepNothing {
			return broken(e.part, spot.From, "cell "+c.Ref.String()+" is there more than once, so that nobody can say what of it is to stay")
		}
		for _, earlier := range before {
			e.edit(earlier.From, earlier.To, e.placeholder(c.Ref, false))
		}
	}
	old := scan.ParseCell(spot.XML, e.l.Prefix)
	if old.Kind == "array" && (c.Remove || c.Keep == KeepNothing) {
		e.s.formulas = true // the calculation chain knows which are arrays
	}
	tag := spot.XML[:old.TagEnd]
	if c.Keep == KeepContent && !c.Remove && !c.Value.IsBlank() && string(attribute(tag, "t")) == "d" {
		dated := *c
		c = &dated
		if c.HasValue, c.Keep = true, KeepNothing; old.HasFormula {
			c.Keep = KeepFormula
		}
	}
	switch {
	case c.Remove:
		e.s.formulas = e.s.formulas || old.HasFormula
		e.edit(spot.From, spot.To, e.placeholder(c.Ref, !spot.Pins))
		return nil
	case c.Keep == KeepContent:
		if err := e.style(c, tag); err != nil {
			return err
		}
		e.edit(spot.From, spot.From+int64(len(tag)), styled(tag, c.Style, e.formatted(c.Ref.Row)))
		if f := e.heirs[i]; f != nil {
			e.edit(spot.From+int64(old.F[0]), spot.From+int64(old.F[1]), f)
		}
		return nil
	}
	if c.Keep == KeepNothing {
		e.s.formulas = e.s.formulas || old.HasFormula != c.HasFormula
	}
	var kept []byte
	if c.Keep == KeepFormula && old.HasFormula {
		if kept = e.heirs[i]; kept == nil {
			kept = spot.XML[old.F[0]:old.F[1]]
		}
	}
	xml, err := e.fresh(c, tag, kept)
	if err != nil {
		return err
	}
	// What is neither formula nor value is none of the edit's business.
	if len(old.Others) > 0 {
		var others []byte
		for _, o := range old.Others {
			others = append(others, spot.XML[o[0]:o[1]]...)
		}
		end := "</" + e.l.Prefix + "c>"
		if body, ok := bytes.CutSuffix(xml, []byte(end)); ok {
			xml = slices.Concat(body, others, []byte(end))
		} else {
			xml = slices.Concat(xml[:len(xml)-2], []byte(">"), others, []byte(end))
		}
	}
	e.edit(spot.From, spot.To, xml)
	return nil
}

// placeholder is what is left of a cell that goes: nothing, unless the next one counts its
// place from it.
func (e *sheetEditor) placeholder(ref cell.Ref, free bool) []byte {
	if free {
		return nil
	}
	xml := append([]byte("<"+e.l.Prefix+`c r="`), ref.String()...)
	return append(xml, `"/>`...)
}

// style refuses a style that is neither in the file nor new, unless the cell has it already.
func (e *sheetEditor) style(c *CellPatch, tag []byte) error {
	if int64(c.Style) < int64(e.s.styles) || string(attribute(tag, "s")) == strconv.Itoa(int(c.Style)) {
		return nil
	}
	return invalid(e.part.Name, "cell %v: there is no style %d, only %d", c.Ref, c.Style, e.s.styles)
}

// formatted reports whether a row gets a format of its own: then LibreOffice wants to be told of cells with the default one.
func (e *sheetEditor) formatted(row int) bool {
	r, ok := e.rowIs(row)
	return ok && r.HasStyle
}

// styled gives a cell's start tag with another style and all else as it is. The default style is left unsaid where it can be,
// unless said is true.
func styled(tag []byte, style uint32, said bool) []byte {
	if style == 0 && !said && attribute(tag, "s") == nil {
		return tag
	}
	return withAttribute(tag, "s", strconv.Itoa(int(style)))
}

// fresh gives a cell's element. tag is the start tag that it had and kept the formula element
// that it keeps, both nil where there is none.
func (e *sheetEditor) fresh(c *CellPatch, tag, kept []byte) ([]byte, error) {
	if err := e.style(c, tag); err != nil {
		return nil, err
	}
	p := e.l.Prefix
	f := kept // the formula element
	meta := 0
	switch {
	case c.Keep == KeepNothing && c.HasFormula:
		var err error
		if meta, err = e.dynamic(c); err != nil {
			return nil, err
		}
		f = append(append(append(e.formula[:0], '<'), p...), 'f')
		if meta > 0 {
			fills := cell.Range{First: c.Ref, Last: c.Ref}
			if c.Fills != nil {
				fills = *c.Fills
			}
			f = append(f, ` t="array" ref="`+fills.String()+`"`...)
		}
		f = emit.AppendText(append(f, '>'), c.Formula)
		f = append(append(append(f, "</"...), p...), "f>"...)
		e.formula = f
	case c.Keep == KeepContent:
		f = nil // it is not there, so there is no content to keep
	}
	value := c.Value
	if f != nil && !c.HasValue || c.Keep == KeepContent {
		value = cell.Value{}
	}
	// The values that an array gives to other cells than its first are marked as computed.
	computed := f != nil || c.Keep == KeepFormula && (tag != nil || !c.HasFormula)

	const usual = 256 // more than most cells take
	if cap(e.room) < usual {
		e.room = make([]byte, 0, 256*usual)
	}
	xml := append(append(append(e.room, '<'), p...), `c r="`...)
	xml = c.Ref.AppendA1(xml)
	xml = append(xml, '"')
	if c.Style != 0 || e.formatted(c.Ref.Row) {
		xml = append(xml, ` s="`...)
		xml = strconv.AppendUint(xml, uint64(c.Style), 10)
		xml = append(xml, '"')
	}
	if t := emit.Type(value, computed); t != "" {
		xml = append(xml, ` t="`...)
		xml = append(xml, t...)
		xml = append(xml, '"')
	}
	if meta > 0 {
		xml = append(xml, ` cm="`...)
		xml = strconv.AppendInt(xml, int64(meta), 10)
		xml = append(xml, '"')
	}
	rich, err := e.s.richError(value)
	if err != nil {
		return nil, err
	}
	if rich > 0 {
		xml = append(xml, ` vm="`...)
		xml = strconv.AppendInt(xml, int64(rich), 10)
		xml = append(xml, '"')
	}
	for _, a := range scan.Attributes(tag) {
		switch string(a.Name) {
		case "r", "s", "t":
			continue
		case "cm": // says what the formula is, as that it spills
			if kept == nil {
				continue
			}
		case "vm": // says more about the value that was, as that it is a picture
			continue
		}
		xml = append(xml, ' ')
		xml = append(xml, a.Name...)
		xml = append(xml, '=')
		xml = append(xml, tag[a.From-1:a.To+1]...) // with its quotes
	}
	tagEnd := len(xml)
	xml = emit.AppendValue(append(append(xml, '>'), f...), p, value, computed)
	if len(xml) == tagEnd+1 {
		xml = append(xml[:tagEnd], "/>"...)
	} else {
		xml = append(append(append(xml, "</"...), p...), "c>"...)
	}
	e.room = xml[len(xml):] // what comes next stands behind it, if there is room
	return slices.Clip(xml), nil
}

// inherit gives the formulas of masters that go to the first cell that shares each.
func (e *sheetEditor) inherit() error {
	for _, o := range e.l.Orphans {
		if o.Members == 0 {
			continue
		}
		text, err := formula.ShiftText(o.Text, o.Anchor, o.Heir)
		if err != nil {
			return invalid(e.part.Name, "cell %v holds the formula of %d other cells, to which it cannot be moved: %v", o.Anchor, o.Members, err)
		}
		tag := withAttribute(bytes.Clone(o.HeirTag), "ref", corners(o.Box))
		if tag[len(tag)-2] == '/' {
			tag = append(bytes.TrimRight(tag[:len(tag)-2], " \t\r\n"), '>')
		}
		f := emit.AppendText(tag, text)
		f = append(f, "</"+e.l.Prefix+"f>"...)
		if o.Target < 0 {
			e.edit(o.HeirF.From, o.HeirF.To, f)
			continue
		}
		// The heir is changed as well, keeping its formula: that edit takes this one along.
		if e.heirs == nil {
			e.heirs = make(map[int][]byte)
		}
		e.heirs[o.Target] = f
	}
	return nil
}
