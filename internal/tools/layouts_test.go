package tools

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gridflow/internal/ziptest"
)

// called makes a call that must succeed.
func called(t *testing.T, env *Env, name, args string) string {
	t.Helper()
	r, err := callTool(t, env, name, args)
	if err != nil {
		t.Fatalf("%s %s: %v", name, args, err)
	}
	return r.Text
}

var forkID = regexp.MustCompile(`fork-[2-9a-z]{12}`)

// TestProtectionIsSaved: the file that is saved asks for the password that was given, and for no other.
func TestProtectionIsSaved(t *testing.T) {
	env := editingEnv(t, Dense)
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"sales"}`))
	called(t, env, "protection_batch", `{"fork_id":"`+fork+`","ops":[{"kind":"protect_sheet","sheet_name":"Data","password":"Öffne dich"},{"kind":"protect_workbook","password":"b"}]}`)
	called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"kept.xlsx"}`)
	again := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"kept"}`))
	for _, c := range []struct{ op, code string }{
		{`{"kind":"unprotect_sheet","sheet_name":"Data","password":"öffne dich"}`, "WRONG_PASSWORD"}, {`{"kind":"unprotect_workbook"}`, "WRONG_PASSWORD"},
		{`{"kind":"unprotect_sheet","sheet_name":"Data","password":"Öffne dich"}`, ""}, {`{"kind":"unprotect_workbook","password":"b"}`, ""},
	} {
		_, err := callTool(t, env, "protection_batch", `{"fork_id":"`+again+`","ops":[`+c.op+`]}`)
		var ours *Error
		if errors.As(err, &ours); (ours == nil) != (c.code == "") || ours != nil && ours.Code != c.code {
			t.Errorf("%s: %v", c.op, err)
		}
	}
	if text := called(t, env, "list_sheets", `{"workbook_id":"kept","include_bounds":true}`); !strings.Contains(text, "Data\tprotected\t") {
		t.Error(text)
	}
	if text := called(t, env, "describe_workbook", `{"workbook_id":"`+again+`"}`); strings.Contains(text, "protected") {
		t.Error(text)
	}
}

// TestMacroWorkbooks: what has macros is edited and saved like any other, and they stay to the byte (no. 5 of the
// peers' faults: forks of .xlsx only).
func TestMacroWorkbooks(t *testing.T) {
	env := editingEnv(t, Dense)
	macros := strings.Repeat("macro ", 100)
	parts := ziptest.Parts(t, salesBook(t))
	const types, links = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
	parts[types] = strings.NewReplacer("officedocument.spreadsheetml.sheet.main+xml", "ms-excel.sheet.macroEnabled.main+xml",
		"application/vnd.openxmlformats-ms-excel", "application/vnd.ms-excel",
		"</Types>", `<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>`).Replace(parts[types])
	parts[links] = strings.Replace(parts[links], "</Relationships>", `<Relationship Id="rIdVba" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/></Relationships>`, 1)
	parts["xl/vbaProject.bin"] = macros
	target, err := env.Files.Target(t.Context(), "macros.xlsm")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target.Root, "macros.xlsm"), ziptest.Pack(t, parts), 0o644); err != nil {
		t.Fatal(err)
	}
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"macros.xlsm"}`))
	called(t, env, "define_name", `{"fork_id":"`+fork+`","name":"Rate","refers_to":"0.5"}`)
	called(t, env, "sheet_layout_batch", `{"fork_id":"`+fork+`","ops":[{"kind":"set_tab_color","sheet_name":"Data","color":"#112233"},{"kind":"set_print_titles","sheet_name":"Data","rows":"1"}]}`)
	called(t, env, "row_size_batch", `{"fork_id":"`+fork+`","sheet_name":"Plain","ops":[{"target":"7","hidden":true}]}`)
	called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"macros2.xlsm"}`)
	saved, err := os.ReadFile(filepath.Join(target.Root, "macros2.xlsm"))
	if err != nil {
		t.Fatal(err)
	}
	if is := ziptest.Parts(t, saved)["xl/vbaProject.bin"]; is != macros {
		t.Errorf("the macros are %d bytes of others", len(is))
	}
	for name, want := range map[string]string{"named_ranges": "Rate", "describe_workbook": "macros: yes"} {
		if text := called(t, env, name, `{"workbook_id":"macros2.xlsm"}`); !strings.Contains(text, want) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestWidthOf: texts are as wide as the usual font draws them, where a digit has 7.43 pixels and a column counts 7 for it.
func TestWidthOf(t *testing.T) {
	for text, digits := range map[string]float64{"": 0, "0123456789": 10, "Name": 4.77, "WWWW": 7.04, "illi": 1.84, "Total due": 7.56, "2026-11-27": 9.2,
		"李雷": 4, "한글": 4, "e\u0301": .98, "Zoë": 3.05, "a\nlong one\r\nb": 7.2, "\xff": 1.05, "😀": 2} {
		if got := widthOf(text) / unhinted; math.Abs(got-digits) > 0.05*max(digits, 1) {
			t.Errorf("%q is %.2f digits wide, want %v", text, got, digits)
		}
		if widthOf(text) != widthOf([]byte(text)) {
			t.Errorf("%q has another width as bytes", text)
		}
	}
}

// TestLinesOf: how many lines a wrapped text has.
func TestLinesOf(t *testing.T) {
	for _, c := range []struct {
		text  string
		width float64
		want  int
	}{{"", 10, 1}, {"ten digits", 10, 1}, {"ten digits", 7, 2}, {"one\ntwo\r\nthree", 10, 3}, {"a bc def", 3, 3}, {"0123456789", 3, 4}, {"0123456789", 11, 1}, {"x abcdefghij", 5, 3}, {"\n", 5, 2}} {
		if got := linesOf(c.text, 11, false, c.width); got != c.want {
			t.Errorf("%q in %v has %d lines, want %d", c.text, c.width, got, c.want)
		}
	}
	if linesOf("0123456789", 22, false, 10) != 3 || linesOf("0123456789", 11, true, 10.8) != 2 {
		t.Error("size and weight do not count")
	}
}
