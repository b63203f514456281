package office

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	_ "gridflow/internal/office/fake"
	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
)

// This test binary is a worker where it is started as one, of LibreOffice or the fake.
func init() { worker.Intercept() }

// wholeRig gives a pool as the program has it, of LibreOffice or of a fake.
func wholeRig(t testing.TB, setting string, change func(*Options)) *Pool {
	t.Helper()
	if setting == "auto" {
		if missing := new(lok.NotFoundError); !testing.Short() {
			if _, err := lok.Find(""); errors.As(err, &missing) {
				t.Skip(err)
			}
		} else {
			t.Skip("not with -short")
		}
	}
	o := Options{Limits: Defaults(), Folder: t.TempDir(), Find: Finder(setting), Starter: LibreOffice{DataLimit: func() int64 { return 2 * DefaultMemory }}}
	return watched(t, o, change)
}

// fileJob is a job with a copy of a file.
func fileJob(op wire.Op, content []byte, collect func(dir string, r wire.Response) error) Job {
	return Job{
		Op: op,
		Prepare: func(dir string) (wire.Request, error) {
			r := wire.Request{Op: op, In: filepath.Join(dir, "in.xlsx"), Out: filepath.Join(dir, "out"), MaxPixels: 12e6}
			switch op {
			case wire.Paint:
				r.Range = wire.Range{LastRow: 9, LastCol: 5}
			case wire.Convert:
				r.Format = "pdf"
			}
			return r, os.WriteFile(r.In, content, 0o600)
		},
		Collect: collect,
	}
}

// TestWhole: LibreOffice itself does what jobs ask for, and the fake does it in the same way.
func TestWhole(t *testing.T) {
	loan, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"fake:good", "auto"} {
		t.Run(setting, func(t *testing.T) {
			p := wholeRig(t, setting, nil)
			for range 3 {
				for _, op := range kinds[:3] {
					collected := false
					err := p.Run(t.Context(), "k", fileJob(op, loan, func(dir string, r wire.Response) error {
						collected = true
						out, err := os.ReadFile(filepath.Join(dir, "out"))
						if err == nil && len(out) == 0 || op == wire.Paint && (r.Picture == nil || len(out) != 4*r.Picture.Width*r.Picture.Height) {
							t.Errorf("%s: %d bytes, %+v", op, len(out), r.Picture)
						}
						return err
					}))
					if err != nil || !collected {
						t.Errorf("%s: %v", op, err)
					}
				}
			}
			var f *FailedError
			if err := p.Run(t.Context(), "k", fileJob(wire.Paint, []byte("no workbook"), nil)); setting == "auto" && !errors.As(err, &f) {
				t.Errorf("what is no workbook gives %v", err)
			}
			if s := p.Stats(); s.Started == 0 || s.Jobs[0].Outcomes["ok"] != 3 || s.Jobs[1].Outcomes["ok"] < 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}
