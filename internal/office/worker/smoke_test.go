package worker

import (
	"context"
	"gridflow/internal/office/wire"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func init() { Intercept() }

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		p, err := Start(t.Context(), Options{Dir: dir, DataLimit: 1 << 30, Open: os.Getenv("OPEN") != ""})
		if err != nil {
			if s, ok := err.(*StartError); ok && s.Exit != nil {
				t.Log(s.Exit.Printed)
			}
			t.Fatal(err)
		}
		t.Log(p.Version(), p.Started(), p.Isolation())
		job := filepath.Join(dir, "job1")
		os.MkdirAll(job, 0o700)
		in := filepath.Join(job, "in.xlsx")
		if err := writeWarmUp(in); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			r, err := p.Do(t.Context(), wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(job, "out.xlsx")})
			t.Log(r, err)
			r, err = p.Do(t.Context(), wire.Request{Op: wire.Paint, In: in, Out: filepath.Join(job, "out.rgba"), Range: wire.Range{LastRow: 10, LastCol: 3}})
			t.Log(r, r.Picture, err)
		}
		ctx, c := context.WithTimeout(t.Context(), time.Millisecond)
		_, err = p.Do(ctx, wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(job, "out.xlsx")})
		t.Log(err)
		c()
		<-p.Gone()
		t.Log(p.Exit(), p.Exit().RSSMax, p.Exit().Printed)
	}
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error { t.Log(path); return nil })
}
