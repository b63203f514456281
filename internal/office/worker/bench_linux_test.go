package worker_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/office/wire"
)

// small is a workbook of twenty formulas.
func small(b *testing.B) []byte {
	return workbook(b, func(f *excelize.File) error {
		for row := range 20 {
			if err := f.SetCellInt("Sheet1", cellName(row, 0), int64(row)); err != nil {
				return err
			}
			if err := f.SetCellFormula("Sheet1", cellName(row, 1), cellName(row, 0)+"*2+1"); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkRecalculate is a small workbook through a warm worker, and, once in a while, through
// a soffice that is started for it; the processor time of both, and how many times that of the
// first the second's is.
func BenchmarkRecalculate(b *testing.B) {
	o := newOffice(b, nil)
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		b.Skip(err)
	}
	book := small(b)
	in, dir := o.folder(b, "in.xlsx", book)
	cold := func() time.Duration {
		cmd := exec.CommandContext(b.Context(), soffice, "-env:UserInstallation=file://"+filepath.Join(o.root, "cold"), "--headless", "--convert-to", "xlsx", "--outdir", filepath.Join(o.root, "out"), in)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	cold() // makes the profile
	var warms, colds []time.Duration
	var walls []time.Duration
	for b.Loop() {
		r, err := o.p.Do(b.Context(), wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(dir, "out.xlsx")})
		if err != nil || r.Failure != nil {
			b.Fatal(r, err)
		}
		warms = append(warms, time.Duration(r.Usage.CPU)*time.Microsecond)
		walls = append(walls, time.Duration(r.Usage.Wall)*time.Microsecond)
		if len(warms)%10 == 1 && len(colds) < 10 {
			b.StopTimer()
			colds = append(colds, cold())
			b.StartTimer()
		}
	}
	warm, coldest := median(warms), median(colds)
	b.ReportMetric(warm.Seconds()*1000, "warm-cpu-ms")
	b.ReportMetric(coldest.Seconds()*1000, "cold-cpu-ms")
	b.ReportMetric(coldest.Seconds()/warm.Seconds(), "cold:warm")
	b.ReportMetric(median(walls).Seconds()*1000, "warm-wall-ms")
}

// BenchmarkPaint is a picture of A1:O20, loading included.
func BenchmarkPaint(b *testing.B) {
	o := newOffice(b, nil)
	g := wire.Range{LastRow: 19, LastCol: 14}
	in, dir := o.folder(b, "in.xlsx", workbook(b, func(f *excelize.File) error { return colored(f, "Sheet1", g) }))
	var cpu, walls []time.Duration
	for b.Loop() {
		r, err := o.p.Do(b.Context(), wire.Request{Op: wire.Paint, In: in, Out: filepath.Join(dir, "out"), Range: g})
		if err != nil || r.Failure != nil {
			b.Fatal(r, err)
		}
		cpu = append(cpu, time.Duration(r.Usage.CPU)*time.Microsecond)
		walls = append(walls, time.Duration(r.Usage.Wall)*time.Microsecond)
	}
	b.ReportMetric(median(cpu).Seconds()*1000, "cpu-ms")
	b.ReportMetric(median(walls).Seconds()*1000, "wall-ms")
}

// BenchmarkStart is a worker made ready, with a profile that was used before.
func BenchmarkStart(b *testing.B) {
	o := newOffice(b, nil)
	var cpu []time.Duration
	for b.Loop() {
		o.p.Kill()
		<-o.p.Gone()
		o.ready(b)
		cpu = append(cpu, time.Duration(o.p.Started().CPU)*time.Microsecond)
	}
	b.ReportMetric(median(cpu).Seconds()*1000, "cpu-ms")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
