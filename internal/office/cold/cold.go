// Package cold is office workers for tests: jobs are done by a function of the test, by
// LibreOffice that is started anew for each, or by a pool as the server has it.
//
// The one invariant: nothing but tests imports it.
//
// Start reading at [Runner].
package cold

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/internal/office"
	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
)

// A Runner does each job by calling Do with the request, whose files are there; it is a
// job.Runner. Absent, where not nil, is why it does none.
type Runner struct {
	Do     func(ctx context.Context, r wire.Request) (wire.Response, error)
	Absent error
	Jobs   atomic.Int64 // that were done so far
}

// Available implements job.Runner.
func (r *Runner) Available() error { return r.Absent }

// Run implements job.Runner.
func (r *Runner) Run(ctx context.Context, _ string, job office.Job) error {
	if r.Absent != nil {
		return r.Absent
	}
	dir, err := os.MkdirTemp("", "gridflow-cold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	req, err := job.Prepare(dir)
	if err != nil {
		return err
	}
	r.Jobs.Add(1)
	res, err := r.Do(ctx, req)
	if err != nil {
		return err
	}
	if res.Failure != nil {
		return &office.FailedError{Op: req.Op, Failure: *res.Failure}
	}
	return job.Collect(dir, res)
}

// settings make LibreOffice calculate what it opens.
const settings = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>%d</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="ODFRecalcMode" oor:op="fuse"><value>%[1]d</value></prop></item>
<item oor:path="/org.openoffice.Setup/Office"><prop oor:name="ooSetupInstCompleted" oor:op="fuse"><value>true</value></prop></item>
</oor:items>`

// Soffice is LibreOffice where it is installed; else the test is skipped. It recalculates and
// converts, and paints nothing. With never it is set to calculate nothing that it opens.
func Soffice(t testing.TB, never bool) *Runner {
	t.Helper()
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed (Debian: libreoffice-calc-nogui)")
	}
	profile := t.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "user"), 0o700); err != nil {
		t.Fatal(err)
	}
	mode := 0
	if never {
		mode = 1
	}
	if err := os.WriteFile(filepath.Join(profile, "user", "registrymodifications.xcu"), fmt.Appendf(nil, settings, mode), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Runner{Do: func(ctx context.Context, r wire.Request) (wire.Response, error) {
		format := r.Format
		switch r.Op {
		case wire.Recalculate:
			format = "xlsx"
		case wire.Convert:
		default:
			return wire.Response{}, errors.New("soffice paints nothing")
		}
		out := filepath.Join(filepath.Dir(r.Out), "converted")
		to := format
		if r.Filter != "" {
			to += ":" + r.Filter
		}
		cmd := exec.CommandContext(ctx, program, "-env:UserInstallation=file://"+profile, "--headless", "--norestore", "--nologo", "--convert-to", to, "--outdir", out, r.In)
		said, err := cmd.CombinedOutput()
		name := strings.TrimSuffix(filepath.Base(r.In), filepath.Ext(r.In)) + "." + format
		if err == nil {
			err = os.Rename(filepath.Join(out, name), r.Out)
		}
		if err != nil {
			return wire.Response{Failure: &wire.Failure{Code: wire.NotLoaded, Message: fmt.Sprintf("%v: %s", err, said)}}, nil
		}
		return wire.Response{}, nil
	}}
}

// A program that is started to be a worker is one: a test has to be a program of its own for that.
func init() { worker.Intercept() }

// Pool is a pool of workers of the LibreOffice that is installed; else the test is skipped.
func Pool(t testing.TB) *office.Pool {
	t.Helper()
	if _, err := lok.Find(""); err != nil {
		t.Skipf("LibreOffice is not installed (Debian: libreoffice-calc-nogui): %v", err)
	}
	limits := office.Defaults()
	limits.JobTimeout, limits.StartTimeout = 5*time.Minute, 5*time.Minute // the machine may be busy
	p, err := office.New(office.Options{
		Limits: limits, Folder: t.TempDir(), Starter: office.LibreOffice{DataLimit: func() int64 { return 1 << 30 }}, Find: office.Finder("auto"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}
