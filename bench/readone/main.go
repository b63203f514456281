// Command readone opens one workbook with gridflow's own reader and looks at
// every cell. It is the side of bench/peers that the others are measured
// against, and a handy thing to profile.
//
//	go run ./bench/readone [-repeat N] [-touch=false [-live]] [-cpuprofile FILE] BOOK.xlsx
//
// It prints one line of key=value pairs: cells with a value, milliseconds for
// one reading, the sum of all numbers if it has looked at them, live bytes after
// the last reading if asked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

func main() {
	repeat := flag.Int("repeat", 1, "how many times to read the file; the time given is that of one reading")
	touch := flag.Bool("touch", true, "look at every cell after loading")
	live := flag.Bool("live", false, "with -touch=false: collect garbage and tell what is alive")
	profile := flag.String("cpuprofile", "", "file to write a CPU profile to")
	flag.Parse()
	if err := run(flag.Args(), *repeat, *touch, *live, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "readone:", err)
		os.Exit(1)
	}
}

func run(args []string, repeat int, touch, live bool, profile string) error {
	if len(args) != 1 || repeat < 1 {
		return errors.New("usage: readone [-repeat N] [-touch=false [-live]] [-cpuprofile FILE] BOOK.xlsx")
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // as the server sets it
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var last *loaded
	start := time.Now()
	for range repeat {
		var err error
		if last, err = load(context.Background(), args[0], touch); err != nil {
			return err
		}
	}
	elapsed := time.Since(start) / time.Duration(repeat)
	fmt.Printf("cells=%d ms=%.3f", last.cells, elapsed.Seconds()*1000)
	if touch {
		fmt.Printf(" sum=%.17g", last.sum)
	} else if live {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		fmt.Printf(" live=%d", m.HeapAlloc)
	}
	fmt.Println()
	runtime.KeepAlive(last)
	return nil
}

// loaded is a workbook in memory and what was found in it.
type loaded struct {
	file   *xlsx.File
	sheets []*grid.Sheet
	cells  int
	sum    float64
}

func load(ctx context.Context, path string, touch bool) (*loaded, error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return nil, err
	}
	file, err := xlsx.Open(ctx, src, info.Size(), xlsx.Limits{})
	if err != nil {
		return nil, err
	}
	n := len(file.Workbook().Sheets)
	l := &loaded{file: file, sheets: make([]*grid.Sheet, n)}
	cells, sums := make([]int, n), make([]float64, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			s, err := file.Sheet(ctx, i, cell.MaxRows-1)
			if err != nil {
				return err
			}
			l.sheets[i] = s
			if !touch {
				cells[i] = s.FilledCells()
				return nil
			}
			for c := range s.Cells(cell.WholeSheet) {
				switch c.Value.Kind() {
				case cell.Blank:
					continue
				case cell.Number:
					sums[i] += c.Value.Number()
				}
				cells[i]++
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range n { // in the order of the sheets, so that the sum is the same every time
		l.cells += cells[i]
		l.sum += sums[i]
	}
	return l, nil
}
