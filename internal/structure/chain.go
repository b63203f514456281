package structure

import "gridflow/internal/formula"

// Chain is changes that follow one another. What becomes of a formula by all of them takes little longer than by one, since
// its text is read once.
type Chain []*Rewriter

// Formula is [Rewriter.Formula] by one change after the other. Own is the name before the first one.
func (c Chain) Formula(text, own string) (out string, changed bool) {
	var room [8]string
	names := room[:0] // of own, before each change
	concerned := false
	for _, r := range c {
		concerned = concerned || r.mayConcern(text, own)
		names = append(names, own)
		if name, ok := r.Sheet(own); ok {
			own = name
		}
	}
	if !concerned {
		return text, false
	}
	out, err := formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		for i, r := range c {
			x = r.reference(x, names[i], false)
		}
		return x
	})
	if err != nil {
		return text, false
	}
	return out, out != text
}
