package patch

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gridflow/internal/structure"
	"gridflow/internal/ziptest"
)

var update = flag.Bool("update", false, "write the results in testdata/structure anew")

// structured saves structure changes alone and gives the parts.
func structured(t testing.TB, before []byte, changes ...structure.Change) ([]byte, map[string]string, Report) {
	t.Helper()
	after, report := saved(t, before, Patch{Structure: changes})
	return after, ziptest.Parts(t, after), report
}

// TestStructure runs testdata/structure/*.txtar. The comment of an archive says what it is about, and has the changes, each as a
// line that begins with {. Its members are parts of a workbook, in place of those of the usual one (parts); "sheets a b" in
// the comment gives it sheets of these names, sheet1.xml and so on. The members that begin with "=> " are all parts that are others afterwards,
// with one element a line.
func TestStructure(t *testing.T) {
	files, err := filepath.Glob("testdata/structure/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no tests", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before := parts(oneCell)
			var changes []structure.Change
			for _, line := range strings.Split(string(archive.Comment), "\n") {
				if strings.HasPrefix(line, "{") {
					var c structure.Change
					if err := json.Unmarshal([]byte(line), &c); err != nil {
						t.Fatalf("%s: %v", line, err)
					}
					changes = append(changes, c)
				}
				if names, ok := strings.CutPrefix(line, "sheets "); ok {
					maps.Copy(before, sheetList(strings.Fields(names)))
				}
			}
			kept := txtar.Archive{Comment: archive.Comment}
			want := map[string]string{}
			for _, m := range archive.Files {
				if name, ok := strings.CutPrefix(m.Name, "=> "); ok {
					want[name] = string(m.Data)
					continue
				}
				before[m.Name] = strings.ReplaceAll(strings.ReplaceAll(string(m.Data), "\n", ""), "MAIN", main)
				kept.Files = append(kept.Files, m)
			}
			_, after, report := structured(t, ziptest.Pack(t, before), changes...)
			got := map[string]string{}
			for name, text := range after {
				if before[name] != text {
					got[name] = lined(strings.ReplaceAll(text, main, "MAIN"))
				}
			}
			for _, name := range report.Dropped {
				if after[name] != "" {
					t.Errorf("%s is still there", name)
				}
				got[name] = "dropped\n"
			}
			for _, w := range report.Warnings {
				got["warning "+w.Code] += w.Message + "\n"
			}
			if *update {
				for _, name := range slices.Sorted(maps.Keys(got)) {
					kept.Files = append(kept.Files, txtar.File{Name: "=> " + name, Data: []byte(got[name])})
				}
				if err := os.WriteFile(file, txtar.Format(&kept), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for name := range got {
				if got[name] != want[name] {
					t.Errorf("%s is\n%swant\n%s", name, got[name], want[name])
				}
			}
			for name := range want {
				if got[name] == "" {
					t.Errorf("%s is as it was, want\n%s", name, want[name])
				}
			}
		})
	}
}

// sheetList gives the parts that list sheets.
func sheetList(names []string) map[string]string {
	sheets, relations := "", ""
	for i, name := range names {
		sheets += fmt.Sprintf(`<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i+1, 11+i)
		relations += fmt.Sprintf(`<Relationship Id="rId%d" Type="%sworksheet" Target="worksheets/sheet%d.xml"/>`, 11+i, rels, i+1)
	}
	out := parts("")
	delete(out, "xl/worksheets/sheet1.xml")
	for i := range names {
		out[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = oneCell
	}
	out["xl/workbook.xml"] = `<workbook ` + main + `><sheets>` + sheets + `</sheets></workbook>`
	out["xl/_rels/workbook.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + relations + `</Relationships>`
	delete(out, "xl/calcChain.xml")
	return out
}

// lined puts each element on a line, so that differences can be seen.
func lined(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "")
	var b bytes.Buffer
	for i := 0; i < len(s); i++ {
		if s[i] == '<' && b.Len() > 0 && (i+1 < len(s) && s[i+1] != '/' || s[i-1] == '>') {
			b.WriteByte('\n')
		}
		b.WriteByte(s[i])
	}
	return b.String() + "\n"
}
