// Command calc measures how long workbooks take to be calculated, by gridflow, by LibreOffice
// and by excelize, in one run on one machine, and prints the ratios as a Markdown table.
//
//	cd bench/calc && go run . [-runs 5] [-only S1M,S5] [-skip excelize] [-limit 60s]
//
// The workbooks are those of internal/calc/scenes, written as files without values. Each peer opens
// the file; what is measured is only what comes then: everything calculated, of which the first
// time does not count, and one number changed and what depends on it calculated, where the peer
// can do that. gridflow and LibreOffice (calculateAll) do each run in turn, so that a busy machine is
// busy for both. excelize has no calculation of a workbook: CalcCellValue is asked for one formula
// after the other until -limit, and compared by the time for one.
//
// LibreOffice is skipped, with a message, where there is no soffice. The sums of the numbers that
// the peers calculated are compared: whoever finds another one is marked.
//
// This is a module of its own, because the project does not depend on what it is compared with.
//
// Start reading at run.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridflow/internal/calc/scenes"
)

// result is what a peer took for a scene: the median of some runs.
type result struct {
	full, edit time.Duration // edit is 0 where it was not measured
	sum        float64       // of the numbers that all formulas gave
	formulas   int           // that were calculated
}

// goals are how many times faster than LibreOffice all is to be calculated.
var goals = map[string]float64{"S1M": 6, "S2": 8, "S3": 3, "S4": 6, "S5": 150, "S6": 40}

func main() {
	runs := flag.Int("runs", 5, "how often each peer calculates a workbook; the median counts")
	only := flag.String("only", "", "the scenes to be run, with commas; all where empty")
	skip := flag.String("skip", "", "peers to be passed over, with commas")
	limit := flag.Duration("limit", 20*time.Second, "after which excelize is asked for no more formulas of a workbook")
	flag.Parse()
	if err := run(*runs, *only, *skip, *limit); err != nil {
		fmt.Fprintln(os.Stderr, "calc:", err)
		os.Exit(1)
	}
}

func run(runs int, only, skip string, limit time.Duration) error {
	dir, err := os.MkdirTemp("", "gridflow-calc-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	var soffice string
	if !listed(skip, "libreoffice") {
		if soffice, err = findOffice(); err != nil {
			fmt.Println("LibreOffice is skipped:", err)
		}
	}
	fmt.Println("| | gridflow, 1 core | 2 cores | an edit | LibreOffice | an edit | ×, 2 cores | goal | excelize, a formula | ×, 1 core |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, s := range scenes.All {
		if only != "" && !listed(only, s.Name) {
			continue
		}
		path := filepath.Join(dir, s.Name+".xlsx")
		if err := writeScene(path, s); err != nil {
			return fmt.Errorf("write %s: %w", s.Name, err)
		}
		var office, ours1, ours2, theirs result
		if soffice != "" {
			if office, err = runOffice(ctx, soffice, dir, path, s, runs); err != nil {
				fmt.Println("LibreOffice on", s.Name+":", err)
			}
		}
		if ours1, ours2, err = runGridflow(ctx, path, s, runs); err != nil {
			return fmt.Errorf("calculate %s: %w", s.Name, err)
		}
		if !listed(skip, "excelize") {
			if theirs, err = runExcelize(path, limit); err != nil {
				fmt.Println("excelize on", s.Name+":", err)
			}
		}
		fmt.Printf("| %s | %s | %s | %s | %s%s | %s | %s | %.0f | %s | %s |\n", s.Name,
			ms(ours1.full), ms(ours2.full), ms(ours1.edit),
			ms(office.full), other(office, ours1), ms(office.edit), times(office.full, ours2.full), goals[s.Name],
			ms(each(theirs)), times(each(theirs), each(ours1)))
	}
	return nil
}

func listed(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

// other marks a peer that found other values.
func other(a, b result) string {
	if a.full > 0 && math.Abs(a.sum-b.sum) > 1e-9*max(math.Abs(a.sum), math.Abs(b.sum)) {
		return fmt.Sprintf(" (its sum is %v, ours %v)", a.sum, b.sum)
	}
	return ""
}

func ms(d time.Duration) string {
	switch f := d.Seconds() * 1e3; {
	case d == 0:
		return "–"
	case f < 10:
		return fmt.Sprintf("%.3g", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

// each gives the time for one formula.
func each(r result) time.Duration { return r.full / time.Duration(max(r.formulas, 1)) }

func times(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", a.Seconds()/b.Seconds())
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}
