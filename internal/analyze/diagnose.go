package analyze

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Diagnostics groups formulas that cannot be parsed.
type Diagnostics struct {
	Total  int // formula cells
	Groups []FailureGroup
	Cut    bool // there are more groups
}

// FailureGroup is formulas that fail for the same reason at the same place of their text.
type FailureGroup struct {
	Sheet   string
	Message string
	Preview string // of the first one, at most 80 bytes
	Count   int
	Samples []cell.Ref
}

// The bounds of what Diagnostics shows.
const (
	failureGroups  = 50
	failureSamples = 5
	previewBytes   = 80
)

// Diagnose adds the formulas of a sheet that cannot be parsed.
func (d *Diagnostics) Diagnose(ctx context.Context, s *grid.Sheet, f *Formulas) error {
	return d.diagnose(newPace(ctx), s, f.graph, 0)
}

// DiagnoseAll is Diagnose for some sheets of a workbook, by index.
func (d *Diagnostics) DiagnoseAll(ctx context.Context, snap *book.Snapshot, sheets []int) error {
	m, err := snap.Formulas(ctx)
	if err != nil {
		return err
	}
	p := newPace(ctx)
	for _, i := range sheets {
		s, err := snap.Sheet(ctx, i)
		if err != nil {
			return err
		}
		if err := d.diagnose(p, s, m.Graph(), i); err != nil {
			return err
		}
	}
	return nil
}

func (d *Diagnostics) diagnose(p *pace, s *grid.Sheet, g *graph.Graph, sheet int) error {
	wrong := false
	for span := range g.SpansIn(sheet, cell.WholeSheet) {
		if err := p.step(1); err != nil {
			return err
		}
		if wrong = span.Template.Err != nil; wrong {
			break
		}
	}
	if !wrong {
		return nil
	}
	list, err := copiesIn(p, g, sheet, cell.WholeSheet)
	if err != nil {
		return err
	}
	index := make(map[string]int)
	for i := range list {
		c := &list[i]
		if c.Err == nil {
			continue
		}
		n := c.count()
		d.Total += n
		at, _ := s.At(c.cells[0].First)
		text, message := book.FormulaText(s, at), c.Err.Error()
		key := withoutPlaces(message) + "\x00" + maskRefs(text)
		k, ok := index[key]
		if !ok {
			if len(d.Groups) >= failureGroups {
				d.Cut = true
				continue
			}
			k = len(d.Groups)
			index[key] = k
			d.Groups = append(d.Groups, FailureGroup{Sheet: s.Name, Message: message, Preview: clipText(text, previewBytes)})
		}
		group := &d.Groups[k]
		group.Count += n
		for ref := range refsOf(c.cells[0]) {
			if len(group.Samples) == failureSamples {
				break
			}
			group.Samples = append(group.Samples, ref)
		}
	}
	return nil
}

// withoutPlaces replaces the numbers of a message, which say where in the text it went
// wrong, and drops what is quoted from there.
func withoutPlaces(message string) string {
	if i := strings.Index(message, ", near "); i >= 0 {
		message = message[:i]
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, message)
}

// maskRefs replaces what looks like a cell reference by $REF, in text that need not be
// a formula.
func maskRefs(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && (s[j] == '$' || lowerByte(s[j]) >= 'a' && lowerByte(s[j]) <= 'z' || s[j] >= '0' && s[j] <= '9' || s[j] == '_' || s[j] == '.') {
			j++
		}
		if _, ok := cell.ParseRef(s[i:j]); ok {
			b.WriteString("$REF")
		} else {
			b.WriteString(s[i:j])
		}
		if i = j; i < len(s) {
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// clipText cuts s to at most n bytes and an ellipsis, not inside of a character.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
