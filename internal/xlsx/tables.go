package xlsx

import (
	"context"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/xlsx/xmltext"
)

// Tables gives the tables of all sheets, by sheet and then in the order of the sheet's
// relationships. They are read when first asked for; the sheets are not.
func (f *File) Tables(ctx context.Context) ([]grid.Table, error) {
	return f.tables.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[[]grid.Table]) ([]grid.Table, error) {
		return f.readTables(ctx)
	})
}

func (f *File) readTables(ctx context.Context) ([]grid.Table, error) {
	var tables []grid.Table
	sliced, err := f.slicedTables()
	if err != nil {
		return nil, err
	}
	seen := make(map[*Part]bool) // no part is a table of two sheets
	columns := 0
	for i := range f.book.Sheets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.book.Sheets[i].Part == "" {
			continue
		}
		rels, err := f.pkg.relationshipsOf(f.book.Sheets[i].Part)
		if err != nil {
			return nil, err
		}
		for _, part := range rels.parts("table") {
			if seen[part] {
				continue
			}
			seen[part] = true
			t, err := f.readTable(part)
			if err != nil {
				return nil, err
			}
			if columns += len(t.Columns); columns > maxEntries {
				return nil, tooLarge(part.Name, "the tables have more than %d columns together", maxEntries)
			}
			t.Sheet, t.Part = i, part.Name
			if own, err := f.pkg.relationshipsOf(part.Name); err == nil && own.first("queryTable") != nil {
				t.Bound = "a query"
			} else if sliced[t.ID] {
				t.Bound = "a slicer"
			}
			tables = append(tables, t)
		}
	}
	return tables, nil
}

func (f *File) readTable(part *Part) (grid.Table, error) {
	doc, err := f.pkg.readXML(part)
	if err != nil {
		return grid.Table{}, err
	}
	t, err := parseTable(doc)
	if err != nil {
		return t, inPart(part.Name, err)
	}
	return t, nil
}

// Qualifier gives what names the tables in the formulas of a sheet that mean the one around their cell
// and do not say which: SUBTOTAL(109,[Amount]), which XlsxWriter writes and Excel reads, would mean
// another table, or none, as soon as it is looked at as one of several copies, or moved. It is nil where
// there is nothing to name; tables that cannot be read are told of by [File.Tables].
func (f *File) Qualifier(i int) func(text []byte, at cell.Ref) []byte {
	rels, err := f.pkg.relationshipsOf(f.book.Sheets[i].Part)
	if err != nil {
		return nil
	}
	var tables []grid.Table
	for _, part := range rels.parts("table") {
		if t, err := f.readTable(part); err == nil {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	var was, is string // of the formula before, in table in: filled down they are all alike
	in := -1
	return func(text []byte, at cell.Ref) []byte {
		if !formula.PartOfUnnamedTable(text) {
			return text
		}
		k := slices.IndexFunc(tables, func(t grid.Table) bool { return t.Range.Contains(at) })
		if k < 0 {
			return text
		}
		if k != in || string(text) != was {
			named, err := formula.Scope{Table: tables[k].Name}.Stored(string(text))
			if err != nil {
				return text
			}
			was, is, in = string(text), named, k
		}
		return append(text[:0:0], is...)
	}
}

// slicedTables gives the ids of the tables that slicers filter.
func (f *File) slicedTables() (map[int]bool, error) {
	var ids map[int]bool
	for _, part := range f.rels.parts("slicerCache") {
		doc, err := f.pkg.readXML(part)
		if err != nil {
			return nil, err
		}
		r := xmltext.New(doc)
		for t := r.Next(); t != xmltext.EOF; t = r.Next() {
			if t == xmltext.Start && string(r.Local()) == "tableSlicerCache" && len(ids) < maxEntries {
				if ids == nil {
					ids = make(map[int]bool)
				}
				ids[r.Int("tableId", 0)] = true
			}
		}
		if err := r.Err(); err != nil {
			return nil, inPart(part.Name, err)
		}
	}
	return ids, nil
}

// parseTable reads a table part.
func parseTable(doc []byte) (grid.Table, error) {
	r := xmltext.New(doc)
	if !r.Root() {
		return grid.Table{}, r.Err()
	}
	t := grid.Table{
		Name: xmltext.Unescape(r.Value("displayName")), ID: r.Int("id", 0),
		HeaderRows: clamp(r.Int("headerRowCount", 1), 0, 1), TotalsRows: clamp(r.Int("totalsRowCount", 0), 0, 1),
	}
	if t.Name == "" {
		t.Name = xmltext.Unescape(r.Value("name"))
	}
	t.HeaderShown = t.HeaderRows > 0
	switch r.Value("tableType") {
	case "xml":
		t.Bound = "an XML map"
	case "queryTable":
		t.Bound = "a query"
	}
	rng, ok := cell.ParseRange(r.Value("ref"))
	if !ok {
		return t, damaged("", int64(r.Offset()), "the table %q has no valid range: %q", t.Name, r.Value("ref"))
	}
	t.Range = rng
	for d := r.Depth(); r.Child(d); {
		if !r.InMain() {
			continue
		}
		switch string(r.Local()) {
		case "autoFilter":
			p := &layoutReader{r: r}
			t.AutoFilter, t.Filters = true, p.filters()
			t.Filtering = len(t.Filters) > 0
		case "tableStyleInfo":
			t.StyleName = r.Value("name")
			t.FirstColumn, t.LastColumn = r.Bool("showFirstColumn", false), r.Bool("showLastColumn", false)
			t.RowStripes, t.ColumnStripes = r.Bool("showRowStripes", false), r.Bool("showColumnStripes", false)
		case "tableColumns":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) != "tableColumn" {
					continue
				}
				if len(t.Columns) >= cell.MaxCols {
					return t, damaged("", int64(r.Offset()), "the table %q has more columns than a sheet", t.Name)
				}
				t.Columns = append(t.Columns, tableColumn(r))
			}
		}
	}
	return t, r.Err()
}

// tableColumn reads a <tableColumn>.
func tableColumn(r *xmltext.Reader) grid.TableColumn {
	c := grid.TableColumn{
		Name: xmltext.Unescape(r.Value("name")), TotalsLabel: xmltext.Unescape(r.Value("totalsRowLabel")), TotalsFunction: r.Value("totalsRowFunction"),
	}
	if c.TotalsFunction == "none" {
		c.TotalsFunction = ""
	}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "calculatedColumnFormula":
			c.Formula = r.Text()
		case "totalsRowFormula":
			c.TotalsFormula = r.Text()
		}
	}
	return c
}
