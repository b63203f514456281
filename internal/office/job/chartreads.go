package job

import (
	"context"

	"gridflow/internal/formula"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/xmltext"
)

// drawingReads adds what the charts of a sheet read, those of its file and those that the fork has put there. named says that some
// go by names. It is not known where a chart is one of a pivot table or of another workbook, and where a shape shows what a cell says.
func (d *Document) drawingReads(ctx context.Context, s seen, sheet int) (known, named bool, err error) {
	texts, known, err := drawnFormulas(d.File.Package(), d.File.Workbook().Sheets[sheet].Part)
	if err != nil || !known {
		return false, false, err
	}
	objects, err := d.Snapshot.Objects(ctx, sheet)
	if err != nil {
		return false, false, err
	}
	for i := range objects {
		if c := objects[i].Chart; c != nil {
			for _, series := range c.Series {
				texts = append(texts, series.NameRef, series.Categories, series.Values)
			}
		}
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		areas, ok := d.Snapshot.ChartAreas(sheet, text)
		if !ok {
			return false, false, nil
		}
		for _, a := range areas {
			s.add(a.Sheet, a.Range.First.Row, a.Range.Last.Row)
		}
		tree, err := formula.Parse(text)
		if err != nil {
			return false, false, nil
		}
		for r := range formula.References(tree.Root) {
			named = named || r.Kind == formula.NameRef // what goes by a table is not known above
		}
	}
	return true, named, nil
}

// drawnFormulas gives the formulas in the charts of a sheet's part.
func drawnFormulas(p *xlsx.Package, sheet string) (texts []string, known bool, err error) {
	relations, err := p.Relations(sheet)
	if err != nil {
		return nil, false, err
	}
	for _, drawing := range relations {
		if drawing.Kind != "drawing" || drawing.Part == nil {
			continue
		}
		if _, known, err = formulasOf(p, drawing.Part); err != nil || !known {
			return nil, false, err
		}
		charts, err := p.Relations(drawing.Part.Name)
		if err != nil {
			return nil, false, err
		}
		for _, chart := range charts {
			if chart.Kind != "chart" && chart.Kind != "chartEx" || chart.Part == nil {
				continue
			}
			more, known, err := formulasOf(p, chart.Part)
			if err != nil || !known {
				return nil, false, err
			}
			texts = append(texts, more...)
		}
	}
	return texts, true, nil
}

// formulasOf gives the formulas in a drawing or a chart, wherever they stand in it.
func formulasOf(p *xlsx.Package, part *xlsx.Part) (texts []string, known bool, err error) {
	doc, _, err := p.ReadXML(part)
	if err != nil {
		return nil, false, err
	}
	r := xmltext.New(doc)
	for kind := r.Next(); kind != xmltext.EOF; kind = r.Next() {
		if kind != xmltext.Start {
			continue
		}
		switch string(r.Local()) {
		case "pivotSource":
			return nil, false, nil
		case "sp":
			if r.Value("textlink") != "" {
				return nil, false, nil
			}
		case "f":
			texts = append(texts, r.Text())
		}
	}
	return texts, r.Err() == nil, nil
}
