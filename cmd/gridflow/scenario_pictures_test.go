//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/office/lok"
)

// TestPictures: through the server, with the LibreOffice that is installed, a picture is image
// content and a resource that has the same bytes; a fork's shows what was edited in it, and
// LibreOffice's values survive a restart.
func TestPictures(t *testing.T) {
	t.Parallel()
	if _, err := lok.Find(""); err != nil {
		t.Skipf("LibreOffice is not installed (Debian: libreoffice-calc-nogui): %v", err)
	}
	root, state := exampleRoot(t), t.TempDir()
	for _, era := range eras {
		r := serving(t, root, "--state-dir="+filepath.Join(state, era), "--toolsets=all", "--tool-timeout=300s", "--office-timeout=300s")
		s := r.client(era)
		fork, _, _ := strings.Cut(mustCall(t, s, "create_fork", `{"workbook_id":"budget"}`), ",")
		shoot := func(id string) []byte {
			t.Helper()
			res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "screenshot_sheet", Arguments: json.RawMessage(`{"workbook_or_fork_id":"` + id + `","sheet_name":"Summary","range":"A1:H20"}`)})
			if err != nil || res.IsError {
				t.Fatalf("%v, %+v", err, res)
			}
			var img []byte
			uri := ""
			for _, c := range res.Content {
				switch c := c.(type) {
				case *mcp.ImageContent:
					if img = c.Data; c.MIMEType != "image/png" {
						t.Errorf("the image is said to be %s", c.MIMEType)
					}
				case *mcp.ResourceLink:
					uri = c.URI
				}
			}
			if p, err := png.DecodeConfig(bytes.NewReader(img)); err != nil || p.Width < 400 || p.Height < 300 {
				t.Fatalf("a picture of %+v, %v", p, err)
			}
			read, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
			if err != nil || len(read.Contents) != 1 || !bytes.Equal(read.Contents[0].Blob, img) {
				t.Errorf("the resource %s has another picture: %v", uri, err)
			}
			return img
		}
		before := shoot("budget")
		if !bytes.Equal(shoot(fork), before) {
			t.Error("a fork that nobody has edited looks another way")
		}
		mustCall(t, s, "edit_batch", `{"fork_id":"`+fork+`","edits":[{"sheet_name":"Summary","address":"A1","value":"Edited, and not saved"}]}`)
		if bytes.Equal(shoot(fork), before) {
			t.Error("a fork looks as before it was edited")
		}
		for _, uri := range []string{"gridflow://.pictures/" + strings.Repeat("0", 32) + ".png", "gridflow://.pictures/../journal/LOCK", "gridflow://.pictures/"} {
			read, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
			if wire, ok := errors.AsType[*jsonrpc.Error](err); !ok || wire.Code != jsonrpc.CodeInvalidParams || !strings.Contains(wire.Message, "PICTURE_NOT_FOUND") {
				t.Errorf("%s: %+v, %v", uri, read, err)
			}
		}
	}
}

// TestConverted: a workbook of another format, made here by an export, is listed and read, forked,
// and saved under a name of its own; with LibreOffice off it is not listed, and says why.
func TestConverted(t *testing.T) {
	t.Parallel()
	if _, err := lok.Find(""); err != nil {
		t.Skipf("LibreOffice is not installed (Debian: libreoffice-calc-nogui): %v", err)
	}
	root := exampleRoot(t)
	r := serving(t, root, "--toolsets=all", "--tool-timeout=300s", "--office-timeout=300s")
	s := r.client(eras[0])
	mustCall(t, s, "export_workbook", `{"workbook_id":"loan","target_path":"other.ods"}`)
	if list := mustCall(t, s, "list_workbooks", `{"slug_prefix":"other"}`); !strings.Contains(list, "other") {
		t.Errorf("it is not listed: %s", list)
	}
	const cells = `"sheet_name":"Loan","ranges":["A1:B8"]}`
	got, want := mustCall(t, s, "range_values", `{"workbook_id":"other",`+cells), mustCall(t, s, "range_values", `{"workbook_id":"loan",`+cells)
	if got != want {
		t.Errorf("other.ods has %s\nloan.xlsx %s", got, want)
	}
	fork, _, _ := strings.Cut(mustCall(t, s, "create_fork", `{"workbook_id":"other"}`), ",")
	mustCall(t, s, "edit_batch", `{"fork_id":"`+fork+`","edits":[{"sheet_name":"Loan","address":"B3","value":1000}]}`)
	if a, err := call(t.Context(), s, "save_fork", `{"fork_id":"`+fork+`"}`); err != nil || !a.failed || !strings.Contains(a.text, "target_path that ends in .xlsx") {
		t.Errorf("saved over an .ods: %+v, %v", a, err)
	}
	mustCall(t, s, "save_fork", `{"fork_id":"`+fork+`","target_path":"other.xlsx"}`)
	if _, err := os.Stat(filepath.Join(root, "other.xlsx")); err != nil {
		t.Error(err)
	}

	off := serving(t, root, "--toolsets=all", "--office=off").client(eras[1])
	if list := mustCall(t, off, "list_workbooks", `{"path_glob":"*.ods"}`); strings.Contains(list, "other") {
		t.Errorf("it is listed: %s", list)
	}
	for tool, args := range map[string]string{"list_sheets": `{"workbook_id":"other.ods"}`, "screenshot_sheet": `{"workbook_id":"loan","sheet_name":"Loan"}`, "verify_calculation": `{"workbook_id":"loan","backend":"both"}`} {
		if a, err := call(t.Context(), off, tool, args); err != nil || !a.failed || !strings.HasPrefix(a.text, "BACKEND_UNAVAILABLE: ") || !strings.Contains(a.text, "--office") {
			t.Errorf("%s with LibreOffice off: %+v, %v", tool, a, err)
		}
	}
}
