package patch

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// richStyles is a style sheet with what ours does not understand in every place, and what programs write
// in their own ways: a palette, strict names of edges, lists in another order, no counts.
const richStyles = `<numFmts count="1"><numFmt numFmtId="170" formatCode="0.0"/></numFmts>` +
	`<fonts><font><b/><i val="0"/><outline/><sz val="11"/><color theme="1" tint="0.5"/><name val="Calibri"/><family val="2"/><scheme val="minor"/><other x="1"/></font>` +
	`<font><u val="none"/><shadow/><sz val="8"/><name val="A&amp;B"/></font></fonts>` +
	`<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125" y="2"><bgColor indexed="64"/></patternFill></fill>` +
	`<fill><gradientFill type="path" left="0.5"><stop position="0"><color rgb="FF000000"/></stop><stop position="1"><color theme="4"/></stop></gradientFill></fill></fills>` +
	`<borders count="2"><border diagonalUp="1" outline="0"><start style="thin"><color auto="1"/></start><right/><top style="double"><color indexed="10"/></top><bottom/><diagonal style="hair"/></border><border/></borders>` +
	`<cellStyleXfs count="1"><xf/></cellStyleXfs>` +
	`<cellXfs count="4"><xf numFmtId="0" fontId="1" fillId="0" borderId="1" xfId="0"/>` +
	`<xf numFmtId="170" fontId="0" fillId="1" borderId="0" xfId="0" quotePrefix="1"><alignment horizontal="center" wrapText="1" relativeIndent="1"/><protection locked="0"/><extLst><ext uri="u"/></extLst></xf>` +
	`<xf fontId="7" fillId="2" borderId="9"></xf><xf/></cellXfs>`

// TestDerivedFormats: a format that is saved says what it should when it is read again, and the formats
// that were there are what they were, as are fonts, fills and borders.
func TestDerivedFormats(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inner := richStyles
		if rapid.Bool().Draw(rt, "poor") {
			inner = `<cellXfs><xf/><xf applyFont='0'/><xf/><xf/></cellXfs>`
		}
		doc := `<styleSheet ` + main + `>` + inner + `</styleSheet>`
		if rapid.Bool().Draw(rt, "prefixed") {
			doc = prefixed(doc, "s:")
		}
		p := parts(oneCell)
		p["xl/styles.xml"] = doc
		before := ziptest.Pack(t, p)
		f, err := openBytes(before)
		if err != nil {
			rt.Fatal(err)
		}
		list := make([]StyleDerivation, rapid.IntRange(1, 4).Draw(rt, "derived"))
		for i := range list {
			list[i].Base = uint32(rapid.IntRange(0, 3).Draw(rt, "base"))
			list[i].Settings = drawDifference(rt, f, list[i].Base)
		}
		derived(rt, f, before, list)
	})
}

// drawDifference draws settings as a save has them: the difference between two formats.
func drawDifference(t *rapid.T, f *xlsx.File, base uint32) xf.Settings {
	xfs := f.Workbook().Styles.Xfs
	s := xftest.Settings.Draw(t, "settings")
	x, _ := xf.Apply(xfs[base], xfs[0], s)
	was, is := xf.Of(xfs[base]), xf.Of(x)
	return xf.Difference(&was, &is)
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// derived saves a workbook with list added and looks at what it is then.
func derived(t fataler, f *xlsx.File, before []byte, list []StyleDerivation) {
	old := f.Workbook().Styles
	var out bytes.Buffer
	if _, err := Save(context.Background(), f, Patch{Styles: list}, &out); err != nil {
		t.Fatalf("%+v: %v", list, err)
	}
	again, err := openBytes(out.Bytes())
	if err != nil {
		t.Fatalf("%+v: the saved workbook: %v", list, err)
	}
	now := again.Workbook().Styles
	if len(now.Xfs) != len(old.Xfs)+len(list) {
		t.Fatalf("there are %d formats and not %d", len(now.Xfs), len(old.Xfs)+len(list))
	}
	for i := range old.Xfs {
		if a, b := xf.Of(old.Xfs[i]), xf.Of(now.Xfs[i]); a != b || old.Xfs[i].NamedStyle != now.Xfs[i].NamedStyle {
			t.Fatalf("%+v: format %d said\n%q and says\n%q", list, i, a, b)
		}
	}
	for i, d := range list {
		want := xf.Of(old.Xfs[d.Base])
		for _, s := range d.Settings {
			want[s.Leaf] = s.Value
		}
		if got := xf.Of(now.Xfs[len(old.Xfs)+i]); got != want {
			for k := range got {
				if got[k] != want[k] {
					t.Fatalf("%+v: of the new format %d %v is %q and not %q", list, i, xf.Leaf(k), got[k], want[k])
				}
			}
		}
		if now.Xfs[len(old.Xfs)+i].NamedStyle != old.Xfs[d.Base].NamedStyle {
			t.Fatalf("the new format %d has another named style", i)
		}
	}
}

// TestFormatXML: what is not understood goes along, and what is not changed stays as it is spelt.
func TestFormatXML(t *testing.T) {
	p := parts(oneCell)
	p["xl/styles.xml"] = `<styleSheet ` + main + `>` + richStyles + `</styleSheet>`
	for _, c := range []struct {
		base     uint32
		settings xf.Settings
		want     []string // in the style sheet, besides all that was there
	}{
		{1, xf.Settings{{Leaf: xf.FontItalic, Value: "1"}, {Leaf: xf.FontColor, Value: "theme:4:-0.25"}}, []string{
			`<font><b/><i/><outline/><sz val="11"/><color theme="4" tint="-0.25"/><name val="Calibri"/><family val="2"/><scheme val="minor"/><other x="1"/></font></fonts>`,
			`<xf numFmtId="170" fontId="2" fillId="1" borderId="0" xfId="0" quotePrefix="1" applyFont="1"><alignment horizontal="center" wrapText="1" relativeIndent="1"/><protection locked="0"/><extLst><ext uri="u"/></extLst></xf></cellXfs>`}},
		{1, xf.Settings{{Leaf: xf.FillForeground, Value: "FFFF0000"}}, []string{
			`<fill><patternFill patternType="gray125" y="2"><fgColor rgb="FFFF0000"/><bgColor indexed="64"/></patternFill></fill></fills>`}},
		{1, xf.Settings{{Leaf: xf.BorderLeft, Value: "thick"}, {Leaf: xf.BorderBottom, Value: "thin"}, {Leaf: xf.BorderBottomColor, Value: "FF00FF00"}}, []string{
			`<border diagonalUp="1" outline="0"><start style="thick"><color auto="1"/></start><right/><top style="double"><color indexed="10"/></top><bottom style="thin"><color rgb="FF00FF00"/></bottom><diagonal style="hair"/></border></borders>`}},
		{1, xf.Settings{{Leaf: xf.AlignHorizontal, Value: ""}, {Leaf: xf.AlignIndent, Value: "2"}, {Leaf: xf.ProtectHidden, Value: "1"}}, []string{
			`<alignment horizontal="general" wrapText="1" relativeIndent="1" indent="2"/><protection locked="0" hidden="1"/><extLst><ext uri="u"/></extLst></xf></cellXfs>`}},
		{0, xf.Settings{{Leaf: xf.FontBold, Value: "1"}}, []string{
			`<font><b/><shadow/><u val="none"/><sz val="8"/><name val="A&amp;B"/></font></fonts>`, `<xf numFmtId="0" fontId="2" fillId="0" borderId="1" xfId="0" applyFont="1"/></cellXfs>`}},
	} {
		b, _ := saved(t, ziptest.Pack(t, p), Patch{Styles: []StyleDerivation{{c.base, c.settings}}})
		got := ziptest.Parts(t, b)["xl/styles.xml"]
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%+v gives\n%s\nwithout\n%s", c.settings, got, want)
			}
		}
	}
}

// TestCorpusFormats derives formats from those of every workbook of the corpus.
func TestCorpusFormats(t *testing.T) {
	files := books(t)
	drawn := make([]xf.Settings, 200)
	for i := range drawn {
		drawn[i] = xftest.Settings.Example(i)
		drawn[i] = slices.DeleteFunc(drawn[i], func(s xf.Setting) bool { // a palette of the workbook's own makes another of it
			return strings.HasPrefix(s.Value, "indexed")
		})
	}
	done := 0
	for i, path := range files {
		if info, err := os.Stat(path); raceDetector && (i%16 > 0 || err != nil || info.Size() > 60_000) {
			continue
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := openBytes(before)
		if err != nil || len(f.Workbook().Styles.Xfs) == 0 {
			continue
		}
		xfs := f.Workbook().Styles.Xfs
		rnd := rand.New(rand.NewPCG(uint64(len(before)), 9))
		list := make([]StyleDerivation, 5)
		for k := range list {
			base := rnd.IntN(len(xfs))
			x, _ := xf.Apply(xfs[base], xfs[0], drawn[rnd.IntN(len(drawn))])
			was, is := xf.Of(xfs[base]), xf.Of(x)
			list[k] = StyleDerivation{uint32(base), xf.Difference(&was, &is)}
		}
		derived(named{t, filepath.Base(path)}, f, before, list)
		done++
	}
	if done == 0 {
		t.Error("no workbook has formats")
	}
}

// named says which file a failure is of, and goes on with the next.
type named struct {
	t    *testing.T
	file string
}

func (n named) Fatalf(format string, args ...any) {
	n.t.Helper()
	n.t.Fatalf(n.file+": "+format, args...)
}
