package structure

import (
	"testing"

	"pgregory.net/rapid"
)

// TestChain compares changes at once with one after the other.
func TestChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sheets := somewhere
		var chain Chain
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			c := drawChange.Draw(t, "change")
			if c.Kind == MoveCells || c.Check(sheets) != nil {
				continue
			}
			chain = append(chain, c.Rewriter(sheets))
			sheets = c.Sheets(sheets)
		}
		text := drawFormula.Draw(t, "formula")
		own := rapid.SampledFrom(somewhere).Draw(t, "own")
		want, at := text, own
		for _, r := range chain {
			want, _ = r.Formula(want, at)
			if name, ok := r.Sheet(at); ok {
				at = name
			}
		}
		got, changed := chain.Formula(text, own)
		if got != want || changed != (got != text) {
			t.Fatalf("%s on %s became %s (%v), one after the other %s", text, own, got, changed, want)
		}
	})
}
