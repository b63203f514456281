package tools

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/xlsx"
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

// rewritten gives a package with other contents of its parts.
func rewritten(t *testing.T, file []byte, part func(name string, text []byte) []byte) []byte {
	t.Helper()
	src, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range src.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(f.Name)
		if err == nil {
			_, err = w.Write(part(f.Name, text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestObjectsOfStrictFiles: what could not be saved is refused at once.
func TestObjectsOfStrictFiles(t *testing.T) {
	env := editingEnv(t, Dense)
	target, err := env.Files.Target(t.Context(), "strict.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	b := rewritten(t, salesBook(t), func(_ string, text []byte) []byte {
		return bytes.ReplaceAll(text, []byte("http://schemas.openxmlformats.org/spreadsheetml/2006/main"), []byte(xlsx.StrictMain))
	})
	if err := os.WriteFile(filepath.Join(target.Root, "strict.xlsx"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"strict.xlsx"}`))
	for tool, op := range map[string]string{
		"chart_batch": `{"kind":"create","sheet_name":"Data","data_range":"A1:C4"}`,
		"image_batch": `{"kind":"insert","sheet_name":"Data","path":"dot.png","anchor":"B2"}`,
	} {
		_, err := callTool(t, env, tool, `{"fork_id":"`+fork+`","ops":[`+op+`]}`)
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != "UNSUPPORTED_FORMAT" {
			t.Errorf("%s: %v", tool, err)
		}
	}
	called(t, env, "edit_batch", `{"fork_id":"`+fork+`","sheet_name":"Data","edits":[{"address":"A9","value":1}]}`)
	called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"strict2.xlsx"}`)
}
