//go:build unix

package xlsx

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gridflow/internal/cell"
)

// benchFile opens the workbook of a million rows, W2, of the folder GRIDFLOW_WORKBOOKS.
func benchFile(b *testing.B) (src *os.File, size int64) {
	dir := os.Getenv("GRIDFLOW_WORKBOOKS")
	if dir == "" {
		b.Skip("GRIDFLOW_WORKBOOKS is not set; make the workbook with: go run ./bench/gen -out DIR -only W2")
	}
	src, err := os.Open(filepath.Join(dir, "W2.xlsx"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { src.Close() })
	info, err := src.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return src, info.Size()
}

// userTime is the CPU time that the process has used outside of the kernel.
func userTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}

// BenchmarkFirstPage opens a workbook and reads the first hundred rows of a sheet of a
// million.
func BenchmarkFirstPage(b *testing.B) {
	src, size := benchFile(b)
	ctx := context.Background()
	for b.Loop() {
		f := reopen(b, src, int(size), nil)
		s, err := f.Rows(ctx, 0, 0, 99)
		if err != nil || s.Value(cell.Ref{Row: 99}).IsBlank() {
			b.Fatal("no page", err)
		}
		b.StopTimer()
		// What goes on behind the page is not part of it.
		if _, err := f.Sheet(ctx, 0, cell.MaxRows-1); err != nil {
			b.Fatal(err)
		}
		f = nil
		b.StartTimer()
	}
}

// BenchmarkRandomPage opens a workbook whose index is at hand and reads a hundred rows
// out of the middle of a sheet of a million, with and without the shared strings at hand.
func BenchmarkRandomPage(b *testing.B) {
	src, size := benchFile(b)
	ctx := context.Background()
	f := reopen(b, src, int(size), nil)
	if _, err := f.Sheet(ctx, 0, cell.MaxRows-1); err != nil {
		b.Fatal(err)
	}
	x := f.Index()
	f = nil
	for _, with := range []bool{true, false} {
		name := "strings at hand"
		if !with {
			name, x = "strings read", x.WithoutStrings()
		}
		b.Run(name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 1))
			slowest, user := time.Duration(0), userTime()
			for b.Loop() {
				start := time.Now()
				f := reopen(b, src, int(size), x)
				row := rnd.IntN(1_000_000 - 100)
				s, err := f.Rows(ctx, 0, row, row+99)
				slowest = max(slowest, time.Since(start))
				if err != nil || s.Value(cell.Ref{Row: row + 99}).IsBlank() {
					b.Fatal("no page", err)
				}
			}
			b.ReportMetric(float64(userTime()-user)/float64(b.N), "user-ns/op")
			b.ReportMetric(float64(slowest.Nanoseconds()), "slowest-ns")
			b.ReportMetric(float64(x.MemoryBytes()-x.strings.MemoryBytes()), "index-B")
			b.ReportMetric(float64(x.MemoryBytes()-x.strings.MemoryBytes())/float64(size)*100, "index-%")
			b.ReportMetric(float64(x.strings.MemoryBytes()), "strings-B")
		})
	}
}

// BenchmarkIndexing loads a sheet of a million rows by turns with and without making the
// index; what that adds to the CPU time and to the wall time is the metric.
func BenchmarkIndexing(b *testing.B) {
	src, size := benchFile(b)
	ctx := context.Background()
	load := func(x *sheetIndex) (user, wall time.Duration) {
		f := reopen(b, src, int(size), nil)
		f.index[0].Store(x) // one that is there is not made again
		if _, err := f.strings(ctx, 1<<30); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		user, begin := userTime(), time.Now()
		if _, err := f.Sheet(ctx, 0, cell.MaxRows-1); err != nil {
			b.Fatal(err)
		}
		return userTime() - user, time.Since(begin)
	}
	var user, wall [2]time.Duration
	for first := 0; b.Loop(); first ^= 1 {
		for _, i := range []int{first, first ^ 1} {
			u, w := load([]*sheetIndex{nil, new(sheetIndex)}[i])
			user[i] += u
			wall[i] += w
		}
	}
	b.ReportMetric(user[1].Seconds()*1000/float64(b.N), "without-user-ms")
	b.ReportMetric(wall[1].Seconds()*1000/float64(b.N), "without-wall-ms")
	b.ReportMetric((float64(user[0])/float64(user[1])-1)*100, "user-%")
	b.ReportMetric((float64(wall[0])/float64(wall[1])-1)*100, "wall-%")
}
