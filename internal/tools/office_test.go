package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/office"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/frame"
	"gridflow/internal/office/job"
	"gridflow/internal/office/shelf"
	"gridflow/internal/office/wire"
	"gridflow/internal/principal"
)

// withOffice gives an Env LibreOffice, and a place for pictures.
func withOffice(t *testing.T, env *Env, runner job.Runner) {
	t.Helper()
	pictures, err := shelf.Open(t.TempDir(), 10, 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pictures.Close() })
	env.Office, env.Pictures = &job.Office{Runner: runner}, pictures
	env.Documents = env.Workspace.(Seeing).Workspace.(Documents)
}

// TestOfficeTranscript plays testdata/office.txt with the LibreOffice that is installed.
func TestOfficeTranscript(t *testing.T) {
	pool := cold.Pool(t)
	playForks(t, filepath.Join("testdata", "office.txt"), func(env *Env) { withOffice(t, env, pool) })
}

// painter is a LibreOffice that paints each cell of 64 by 20 pixels in a colour that says which
// it is, and remembers what it was asked for.
func painter(t *testing.T, asked *wire.Request) *cold.Runner {
	return &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) {
		*asked = r
		w, h := int(64*r.Scale), int(20*r.Scale)
		p := &wire.Picture{Cols: []int{0}, Rows: []int{0}}
		for c := r.Range.FirstCol; c <= r.Range.LastCol; c++ {
			p.Cols = append(p.Cols, p.Cols[len(p.Cols)-1]+w)
		}
		for row := r.Range.FirstRow; row <= r.Range.LastRow; row++ {
			p.Rows = append(p.Rows, p.Rows[len(p.Rows)-1]+h)
		}
		p.Width, p.Height = p.Cols[len(p.Cols)-1], p.Rows[len(p.Rows)-1]
		if r.MaxPixels > 0 && p.Width*p.Height > r.MaxPixels {
			return wire.Response{Failure: &wire.Failure{Code: wire.TooLarge, Message: "too large"}}, nil
		}
		img := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
		for y := range p.Height {
			if y%h > 0 { // a pixel is dear with the race detector, and there are millions
				copy(img.Pix[y*img.Stride:(y+1)*img.Stride], img.Pix[(y-1)*img.Stride:])
				continue
			}
			for x := range p.Width {
				img.SetNRGBA(x, y, color.NRGBA{byte(r.Range.FirstCol + x/w), byte(r.Range.FirstRow + y/h), 200, 255})
			}
		}
		return wire.Response{Picture: p}, os.WriteFile(r.Out, img.Pix, 0o600)
	}}
}

func callTool(t *testing.T, env *Env, name, args string) (*Result, error) {
	t.Helper()
	for i := range table {
		if table[i].Name == name {
			return table[i].Call(t.Context(), env, json.RawMessage(args))
		}
	}
	t.Fatalf("no tool %s", name)
	return nil, nil
}

// TestScreenshot: the picture of the answer is that which the resource has, and shows the cells
// with their headings, or without.
func TestScreenshot(t *testing.T) {
	env := editingEnv(t, Dense)
	var asked wire.Request
	withOffice(t, env, painter(t, &asked))
	for _, c := range []struct {
		args          string
		width, height int // of the cells
	}{
		{`{"workbook_id":"sales","sheet_name":"Data","range":"B3:D7"}`, 3 * 64, 5 * 20},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"B3:D7","scale":2}`, 3 * 128, 5 * 40},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"B3:D7","headings":false,"gridlines":false}`, 3 * 64, 5 * 20},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"B:D","headings":false}`, 3 * 64, 4 * 20},
	} {
		res, err := callTool(t, env, "screenshot_sheet", c.args)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Images) != 1 || res.Images[0].MIMEType != "image/png" || len(res.Links) != 1 || !strings.HasPrefix(res.Links[0].URI, PictureScheme) {
			t.Fatalf("%s: %d images, links %v", c.args, len(res.Images), res.Links)
		}
		img, err := png.Decode(bytes.NewReader(res.Images[0].Data))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(env.Pictures.Path(strings.TrimPrefix(res.Links[0].URI, PictureScheme)))
		if err != nil || !bytes.Equal(kept, res.Images[0].Data) {
			t.Errorf("%s: what is kept is another picture: %v", c.args, err)
		}
		left, top := img.Bounds().Dx()-c.width, img.Bounds().Dy()-c.height
		if headings := !strings.Contains(c.args, `"headings":false`); (left > 0 && top > 0) != headings || left < 0 || top < 0 {
			t.Errorf("%s: margins of %d and %d pixels", c.args, left, top)
		}
		if got := color.NRGBAModel.Convert(img.At(left+c.width-1, top+1)).(color.NRGBA); got.R != 3 || got.B != 200 {
			t.Errorf("%s: the upper right cell has the colour %v", c.args, got)
		}
		if left > 0 && color.NRGBAModel.Convert(img.At(1, 1)) != frame.Ground {
			t.Errorf("%s: the corner has the colour %v", c.args, img.At(1, 1))
		}
	}
}

// TestScreenshotTiles: what is too large names ranges that are not, and cover all of it.
func TestScreenshotTiles(t *testing.T) {
	env := editingEnv(t, Dense)
	var asked wire.Request
	runner := painter(t, &asked)
	withOffice(t, env, runner)
	for _, c := range []struct {
		args string
		asks bool // the worker has the last word
	}{
		{`{"workbook_id":"sales","sheet_name":"Data","range":"A1:ZZ900"}`, false},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"A1:XFC1000000"}`, false},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"A1:BL190"}`, true},
		{`{"workbook_id":"sales","sheet_name":"Data","range":"A1:P40","scale":4}`, true},
	} {
		before := runner.Jobs.Load()
		_, err := callTool(t, env, "screenshot_sheet", c.args)
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != job.CodeTooLarge {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if asks := runner.Jobs.Load() > before; asks != c.asks {
			t.Errorf("%s: LibreOffice was asked: %v", c.args, asks)
		}
		tiles := ours.Details["tiles"].([]string)
		if len(tiles) < 2 || len(tiles) > tilesMax {
			t.Errorf("%s: %d tiles", c.args, len(tiles))
		}
		var args map[string]any
		if err := json.Unmarshal([]byte(c.args), &args); err != nil {
			t.Fatal(err)
		}
		for _, tile := range []string{tiles[0], tiles[len(tiles)-1]} {
			args["range"] = tile
			again, _ := json.Marshal(args)
			if _, err := callTool(t, env, "screenshot_sheet", string(again)); err != nil {
				t.Errorf("the tile %s: %v", tile, err)
			}
		}
	}
	m := measureOf(&grid.Layout{}, 1)
	whole := cell.Range{Last: cell.Ref{Row: 999, Col: 99}}
	list := m.tiling(whole, 4096, 12_000_000)
	covered := int64(0)
	for i := range list.len() {
		r := list.at(i)
		if covered += r.Cells(); m.width(r) > 4096 || m.height(r) > 4096 {
			t.Errorf("the tile %v is too large", r)
		}
	}
	if covered != whole.Cells() {
		t.Errorf("%d tiles cover %d cells of %d", list.len(), covered, whole.Cells())
	}
}

// TestScreenshotInTiles: with tiles what is too large comes as several pictures, page by page, which cover
// all of the range once; what is not comes as one.
func TestScreenshotInTiles(t *testing.T) {
	env := editingEnv(t, Dense)
	var asked wire.Request
	withOffice(t, env, painter(t, &asked))
	call := func(args string) *Result {
		t.Helper()
		res, err := callTool(t, env, "screenshot_sheet", args)
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		if len(res.Links) == 0 || len(res.Images) > len(res.Links) {
			t.Fatalf("%s: %d images, %d links", args, len(res.Images), len(res.Links))
		}
		return res
	}
	if res := call(`{"workbook_id":"sales","sheet_name":"Data","range":"B3:D7","tiles":true}`); len(res.Images) != 1 || strings.Contains(res.Text, "next:") {
		t.Errorf("one that fits: %d images, %s", len(res.Images), res.Text)
	}
	whole := cell.Range{Last: cell.Ref{Row: 449, Col: 69}}
	args, pages, drawn := `{"workbook_id":"sales","sheet_name":"Data","range":"`+whole.String()+`","tiles":true}`, 0, map[cell.Ref]bool{}
	next := regexp.MustCompile(`next: screenshot_sheet (\{.*\})`)
	ranges := regexp.MustCompile(`Data!(\S+) of `)
	for args != "" {
		res := call(args)
		if pages++; pages > 100 {
			t.Fatal("no end of pages")
		}
		found := ranges.FindAllStringSubmatch(res.Text, -1)
		if len(found) != len(res.Links) || len(found) > tilesAtOnce {
			t.Fatalf("%d ranges, %d links: %s", len(found), len(res.Links), res.Text)
		}
		for _, f := range found {
			r, ok := cell.ParseRange(f[1])
			if !ok {
				t.Fatal(f[1])
			}
			for row := r.First.Row; row <= r.Last.Row; row++ {
				for col := r.First.Col; col <= r.Last.Col; col++ {
					at := cell.Ref{Row: row, Col: col}
					if drawn[at] || !whole.Contains(at) {
						t.Fatalf("%v is drawn once more, or not wanted", at)
					}
					drawn[at] = true
				}
			}
		}
		args = ""
		if m := next.FindStringSubmatch(res.Text); m != nil {
			args = m[1]
		}
	}
	if int64(len(drawn)) != whole.Cells() || pages < 2 {
		t.Errorf("%d pages have %d cells of %d", pages, len(drawn), whole.Cells())
	}
	for args, code := range map[string]string{
		`{"workbook_id":"sales","sheet_name":"Data","range":"A1:BR450","tiles":true,"offset":8}`: "RANGE_INVALID",
		`{"workbook_id":"sales","sheet_name":"Data","range":"A1:BR450","offset":1}`:              "INVALID_PARAMS",
		`{"workbook_id":"sales","sheet_name":"Data","range":"A1:BR450"}`:                         job.CodeTooLarge,
	} {
		_, err := callTool(t, env, "screenshot_sheet", args)
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != code {
			t.Errorf("%s: %v, want %s", args, err, code)
		}
	}
}

// TestScreenshotRefused: what cannot be drawn is said without LibreOffice being asked.
func TestScreenshotRefused(t *testing.T) {
	env := editingEnv(t, Dense)
	var asked wire.Request
	runner := painter(t, &asked)
	withOffice(t, env, runner)
	for args, code := range map[string]string{
		`{"workbook_id":"sales","sheet_name":"None"}`:                           "SHEET_NOT_FOUND",
		`{"workbook_id":"sales","sheet_name":"Data","range":"nonsense"}`:        "NAME_NOT_FOUND",
		`{"workbook_id":"sales","sheet_name":"Data","range":"Plain!A1:B2"}`:     "RANGE_INVALID",
		`{"workbook_id":"sales","sheet_name":"Data","range":"A1:B2,C3:D4"}`:     "RANGE_INVALID",
		`{"workbook_id":"orders","sheet_name":"orders"}`:                        "UNSUPPORTED_FORMAT",
		`{"workbook_id":"none","sheet_name":"Data"}`:                            "WORKBOOK_NOT_FOUND",
		`{"workbook_id":"sales","sheet_name":"Data","range":"A1:B2","scale":9}`: "INVALID_PARAMS",
		`{"workbook_id":"fork-23456789abcd","sheet_name":"Data"}`:               "FORK_NOT_FOUND",
	} {
		_, err := callTool(t, env, "screenshot_sheet", args)
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != code {
			t.Errorf("%s: %v, want %s", args, err, code)
		}
	}
	// Nothing is to be seen where all columns are hidden.
	res, err := callTool(t, env, "create_fork", `{"workbook_id":"sales"}`)
	if err != nil {
		t.Fatal(err)
	}
	fork, _, _ := strings.Cut(res.Text, ",")
	if _, err := callTool(t, env, "column_size_batch", `{"fork_id":"`+fork+`","sheet_name":"Data","ops":[{"range":"F:G","hidden":true}]}`); err != nil {
		t.Fatal(err)
	}
	var hidden *Error
	if _, err := callTool(t, env, "screenshot_sheet", `{"workbook_id":"`+fork+`","sheet_name":"Data","range":"F1:G9"}`); !errors.As(err, &hidden) || hidden.Code != job.CodeRender || hidden.Hint == "" {
		t.Errorf("hidden columns: %v", err)
	}
	if n := runner.Jobs.Load(); n != 0 {
		t.Errorf("LibreOffice was asked %d times", n)
	}
	runner.Absent = &office.Error{Code: office.CodeUnavailable, Message: "it is gone", Hint: "Wait"}
	for _, call := range [][2]string{
		{"screenshot_sheet", `{"workbook_id":"sales","sheet_name":"Data"}`},
		{"export_workbook", `{"workbook_id":"sales","target_path":"x.pdf"}`},
		{"verify_calculation", `{"workbook_id":"sales","backend":"libreoffice"}`},
	} {
		_, err := callTool(t, env, call[0], call[1])
		var ours *Error
		if !errors.As(err, &ours) || ours.Code != office.CodeUnavailable || ours.Hint != "Wait" {
			t.Errorf("%s without LibreOffice: %v", call[0], err)
		}
	}
}

// TestRecalculateConflict: values of a version that the fork no longer has are not taken: LibreOffice
// calculates the one that it has by then, unless the caller said which it means, or that does not end.
func TestRecalculateConflict(t *testing.T) {
	env := editingEnv(t, Dense)
	var fork string
	edits := 1000 // that somebody will yet make while LibreOffice calculates
	runner := &cold.Runner{}
	runner.Do = func(ctx context.Context, r wire.Request) (wire.Response, error) {
		if edits--; edits >= 0 {
			if _, err := callTool(t, env, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"edits":[{"sheet_name":"Inputs","address":"B1","value":%d}]}`, fork, edits)); err != nil {
				t.Error(err)
			}
		}
		var g, h genbook.Grid
		for row := 1; row <= 9; row++ {
			g.Formula("A"+string(rune('0'+row)), 0, "1", float64(row))
		}
		b := &genbook.Book{}
		b.AddSheet(h.Fill(&genbook.Sheet{Name: "Inputs"}))
		b.AddSheet(g.Fill(&genbook.Sheet{Name: "Calc"}))
		f, err := os.Create(r.Out)
		if err != nil {
			return wire.Response{}, err
		}
		defer f.Close()
		return wire.Response{}, b.Write(f)
	}
	withOffice(t, env, runner)
	res, err := callTool(t, env, "create_fork", `{"workbook_id":"wrong"}`)
	if err != nil {
		t.Fatal(err)
	}
	fork, _, _ = strings.Cut(res.Text, ",")
	_, err = callTool(t, env, "recalculate", `{"fork_id":"`+fork+`","backend":"libreoffice"}`)
	var ours *Error
	if !errors.As(err, &ours) || ours.Code != "CONFLICT" {
		t.Errorf("%v", err)
	}
	for args, code := range map[string]string{
		`"backend":"libreoffice","expected_version":7`: "CONFLICT",
		`"backend":"both","expected_version":7`:        "CONFLICT",
		`"backend":"libreoffice","scope":"stale"`:      "INVALID_PARAMS",
	} {
		if _, err := callTool(t, env, "recalculate", `{"fork_id":"`+fork+`",`+args+`}`); !errors.As(err, &ours) || ours.Code != code {
			t.Errorf("%s: %v, want %s", args, err, code)
		}
	}
	if _, err := callTool(t, env, "recalculate", `{"fork_id":"`+fork+`@0","backend":"libreoffice"}`); err == nil {
		t.Error("a version was recalculated")
	}
	if n := runner.Jobs.Load(); n != adoptTries {
		t.Errorf("LibreOffice was asked %d times", n)
	}
	edits = 1
	res, err = callTool(t, env, "recalculate", `{"fork_id":"`+fork+`","backend":"libreoffice"}`)
	if err != nil || !strings.HasPrefix(res.Text, fmt.Sprintf("%s: version %d (was %d)", fork, adoptTries+2, adoptTries+1)) {
		t.Errorf("with one edit meanwhile: %v, %v", res, err)
	}
	edits = 1
	if _, err := callTool(t, env, "recalculate", fmt.Sprintf(`{"fork_id":%q,"backend":"libreoffice","expected_version":%d}`, fork, adoptTries+2)); !errors.As(err, &ours) || ours.Code != "CONFLICT" {
		t.Errorf("with one edit meanwhile, and a version that is expected: %v", err)
	}
	if n := runner.Jobs.Load(); n != adoptTries+3 {
		t.Errorf("LibreOffice was asked %d times", n)
	}
}

// TestPageCounter: the pages of a PDF are counted wherever it is cut.
func TestPageCounter(t *testing.T) {
	const text = "1 0 obj<</Type/Pages/Kids[2 0 R]>>endobj 2 0 obj<</Type/Page/Parent 1 0 R>>endobj 3 0 obj<</Type/Page/X 1>>"
	for step := 1; step < len(text); step++ {
		var out bytes.Buffer
		c := &pageCounter{w: &out}
		for i := 0; i < len(text); i += step {
			if _, err := c.Write([]byte(text[i:min(i+step, len(text))])); err != nil {
				t.Fatal(err)
			}
		}
		if c.pages != 2 || out.String() != text {
			t.Fatalf("in steps of %d: %d pages", step, c.pages)
		}
	}
}

// TestPicturesOf: a picture is of a principal and the roots that he sees, whoever has them besides.
func TestPicturesOf(t *testing.T) {
	of := func(name string, roots ...string) string {
		p := &principal.Principal{Name: name}
		if roots != nil {
			p.Roots = map[string]bool{}
		}
		for _, r := range roots {
			p.Roots[r] = true
		}
		return PicturesOf(principal.With(context.Background(), p))
	}
	if of("a", "/x", "/y") != of("a", "/y", "/x") {
		t.Error("the same principal has other pictures")
	}
	all := []string{of("a"), of("b"), of("a", "/x"), of("b", "/x"), of("a", "/y"), of("a", "/x", "/y"), PicturesOf(context.Background())}
	slices.Sort(all)
	if got := slices.Compact(slices.Clone(all)); len(got) != len(all) || all[0] != "" {
		t.Errorf("%q", all)
	}
}
