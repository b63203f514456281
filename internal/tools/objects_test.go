package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// TestShowImage: a picture of a fork, and of the file that is saved of it, comes as a picture.
func TestShowImage(t *testing.T) {
	env := editingEnv(t, Dense)
	call := func(tool Tool, args string, a ...any) *Result {
		t.Helper()
		res, err := tool.Call(t.Context(), env, json.RawMessage(fmt.Sprintf(args, a...)))
		if err != nil {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		return res
	}
	fork, _, _ := strings.Cut(call(createFork, `{"workbook_or_fork_id":"sales"}`).Text, ",")
	text := call(imageBatch, `{"fork_id":%q,"ops":[{"kind":"insert","sheet_name":"Data","path":"dot.png","anchor":"B2"}]}`, fork).Text
	id, _, _ := strings.Cut(text[strings.Index(text, "picture-"):], " ")
	call(saveFork, `{"fork_id":%q,"target_path":"shown.xlsx"}`, fork)
	for book, object := range map[string]string{fork: id, "shown": "drawing1.2"} {
		res := call(listObjects, `{"workbook_or_fork_id":%q,"kinds":["chart"],"show_image":%q}`, book, object)
		if len(res.Images) != 1 || res.Images[0].MIMEType != "image/png" {
			t.Fatalf("of %s there is %+v", object, res)
		}
		if format, w, h, ok := xlsx.Picture(res.Images[0].Data); !ok || format != "png" || w != 8 || h != 4 {
			t.Errorf("of %s there is a %s of %dx%d", object, format, w, h)
		}
	}
	text = call(chartBatch, `{"fork_id":%q,"ops":[{"kind":"create","sheet_name":"Data","data_range":"A1:C4"}]}`, fork).Text
	chart, _, _ := strings.Cut(text[strings.Index(text, "chart-"):], " ")
	if _, err := listObjects.Call(t.Context(), env, json.RawMessage(fmt.Sprintf(`{"workbook_or_fork_id":%q,"show_image":%q}`, fork, chart))); err == nil || !strings.Contains(err.Error(), "is no picture") {
		t.Errorf("a chart as a picture: %v", err)
	}
}

// TestStrictTakesNoObjects: what cannot be saved in a file of the strict form is refused when it is asked for, and not when
// the fork is saved.
func TestStrictTakesNoObjects(t *testing.T) {
	env := editingEnv(t, Dense)
	text, _ := callTool(t, env, "create_fork", `{"workbook_or_fork_id":"strict"}`)
	fork, _, _ := strings.Cut(text.Text, ",")
	for _, call := range []string{
		`chart_batch {"fork_id":%q,"ops":[{"kind":"create","sheet_name":"Data","data_range":"B1:C4"}]}`,
		`image_batch {"fork_id":%q,"ops":[{"kind":"insert","sheet_name":"Data","path":"dot.png","anchor":"B2"}]}`,
	} {
		tool, args, _ := strings.Cut(fmt.Sprintf(call, fork), " ")
		if _, err := callTool(t, env, tool, args); err == nil || !strings.Contains(err.Error(), "UNSUPPORTED_FORMAT") {
			t.Errorf("%s: %v", tool, err)
		}
	}
	if _, err := callTool(t, env, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"Data","edits":["A9=1"]}`, fork)); err != nil {
		t.Error(err)
	}
	if _, err := callTool(t, env, "save_fork", fmt.Sprintf(`{"fork_id":%q,"target_path":"stricter.xlsx"}`, fork)); err != nil {
		t.Error(err)
	}
}

// strictly gives a workbook in the strict form of Open XML.
func strictly(t testing.TB, book []byte) []byte {
	words := strings.NewReplacer("http://schemas.openxmlformats.org/spreadsheetml/2006/main", xlsx.StrictMain,
		"http://schemas.openxmlformats.org/officeDocument/2006/", "http://purl.oclc.org/ooxml/officeDocument/")
	return ziptest.Rewrite(t, book, func(_ string, text []byte) []byte { return []byte(words.Replace(string(text))) })
}
