package worker_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/office/wire"
)

// stale is a workbook whose values are not those of its formulas.
func stale(t testing.TB) []byte {
	return sheetBook{cells: `<row r="1"><c r="A1"><v>10</v></c><c r="B1"><f>A1*2</f><v>999999</v></c><c r="C1"><f>SUM(A1:B1)</f><v>777777</v></c><c r="D1" t="str"><f>UPPER("abc")</f><v>old</v></c><c r="E1"><f>1/0</f><v>1</v></c></row>`}.bytes(t)
}

// What LibreOffice does with documents, and says of it.
func testJobs(t *testing.T, o *office) {
	response, out := o.good(t, stale(t), wire.Request{Op: wire.Recalculate})
	if fmt.Sprint(response.Sheets) != "[Sheet1]" || response.Usage.CPU <= 0 || response.Usage.Wall <= 0 || response.Usage.RSS < 20<<20 {
		t.Errorf("%+v", response)
	}
	f, err := excelize.OpenReader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{"A1": "10", "B1": "20", "C1": "30", "D1": "ABC", "E1": "#DIV/0!"} {
		if got, err := f.GetCellValue("Sheet1", cell); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", cell, got, err, want)
		}
	}
	_, ods := o.good(t, stale(t), wire.Request{Op: wire.Convert, Format: "ods"})
	if z, err := zip.NewReader(bytes.NewReader(ods), int64(len(ods))); err != nil || z.File[0].Name != "mimetype" {
		t.Errorf("ods: %v", err)
	}
	if _, pdf := o.good(t, stale(t), wire.Request{Op: wire.Convert, Format: "pdf"}); !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("pdf: %.20q", pdf)
	}
	if _, back := o.good(t, ods, wire.Request{Op: wire.Convert, Format: "xlsx"}); !bytes.HasPrefix(back, []byte("PK")) {
		t.Errorf("xlsx of ods: %.20q", back)
	}
	for _, bad := range []wire.Request{{Op: "dance"}, {}, {Op: wire.Convert, Format: "exe"}, {Op: wire.Convert}} {
		if got, _, err := o.do(t, stale(t), bad); err != nil || got.Failure == nil || got.Failure.Code != wire.BadRequest {
			t.Errorf("%+v: %+v, %v", bad, got.Failure, err)
		}
	}
	// A document of something else than cells.
	text := pack(t, map[string]string{
		"mimetype":              "application/vnd.oasis.opendocument.text",
		"META-INF/manifest.xml": `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/></manifest:manifest>`,
		"content.xml":           `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:body><office:text/></office:body></office:document-content>`,
	})
	if got, _, err := o.do(t, text, wire.Request{Op: wire.Recalculate}); err != nil || got.Failure == nil || got.Failure.Code != wire.NotLoaded {
		t.Errorf("a text document: %+v, %v", got.Failure, err)
	}
}

// Whatever a file is called, it is that file; and no file outside of a folder for jobs is one.
func testPaths(t *testing.T, o *office) {
	good := stale(t)
	for _, name := range []string{"a b.xlsx", "100%.xlsx", "%41.xlsx", "a#b.xlsx", "a?b.xlsx", "a;b&c.xlsx", "Übersicht 表.xlsx", "'\"<>.xlsx"} {
		in, dir := o.folder(t, name, good)
		out := filepath.Join(dir, "out "+name)
		got, err := o.p.Do(t.Context(), wire.Request{Op: wire.Recalculate, In: in, Out: out})
		if err != nil || got.Failure != nil {
			t.Errorf("%s: %+v, %v", name, got.Failure, err)
			continue
		}
		if _, err := os.Stat(out); err != nil {
			t.Error(err)
		}
	}
	in, dir := o.folder(t, "in.xlsx", good)
	elsewhere := filepath.Join(o.root, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "in.xlsx"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	link, folderLink := filepath.Join(dir, "link.xlsx"), filepath.Join(o.jobs, "link")
	if err := os.Symlink(filepath.Join(elsewhere, "in.xlsx"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, folderLink); err != nil {
		t.Fatal(err)
	}
	for _, r := range []wire.Request{
		{In: filepath.Join(elsewhere, "in.xlsx"), Out: filepath.Join(elsewhere, "out.xlsx")},
		{In: in, Out: filepath.Join(elsewhere, "out.xlsx")},
		{In: dir + "/../1/in.xlsx", Out: dir + "/../1/out.xlsx"},
		{In: "in.xlsx", Out: "out.xlsx"},
		{In: in, Out: in},
		{In: in},
		{In: link, Out: filepath.Join(dir, "out.xlsx")},
		{In: in, Out: link},
		{In: filepath.Join(folderLink, "in.xlsx"), Out: filepath.Join(folderLink, "out.xlsx")},
		{In: filepath.Join(dir, "none.xlsx"), Out: filepath.Join(dir, "out.xlsx")},
		{In: dir, Out: filepath.Join(o.jobs, "out.xlsx")},
	} {
		r.Op = wire.Recalculate
		if got, err := o.p.Do(t.Context(), r); err != nil || got.Failure == nil || got.Failure.Code != wire.BadRequest {
			t.Errorf("%q to %q: %+v, %v", r.In, r.Out, got.Failure, err)
		}
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) != 1 {
		t.Errorf("in the folder elsewhere are %v, %v", entries, err)
	}
}

// A worker has no file that its parent had open, and what it could not need it cannot do.
func testInheritsNothing(t *testing.T, o *office) {
	proc := fmt.Sprintf("/proc/%d/", o.p.PID())
	files, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if target, err := os.Readlink(proc + "fd/" + f.Name()); err == nil && strings.HasSuffix(target, "/inherited") {
			t.Errorf("descriptor %s is %s", f.Name(), target)
		}
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	if confined := o.p.Isolation().Files; confined != "none" && !strings.Contains(string(status), "CapEff:\t0000000000000000") {
		t.Errorf("confined by %s, and has capabilities:\n%s", confined, status)
	}
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Max data size 1073741824 1073741824", "Max core file size 0 0", "Max open files 512 512", "Max file size 1073741824 1073741824"} {
		if !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), want) {
			t.Errorf("not %q:\n%s", want, limits)
		}
	}
	if score, err := os.ReadFile(proc + "oom_score_adj"); err != nil || strings.TrimSpace(string(score)) != "1000" {
		t.Errorf("oom_score_adj %q, %v", score, err)
	}
}
