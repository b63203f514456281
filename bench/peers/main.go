package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == "read" { // a peer's process
		repeat, err := strconv.Atoi(os.Args[3])
		if err == nil {
			err = read(os.Args[2], os.Args[4], repeat)
		}
		exitOn(err)
		return
	}
	var o options
	flag.StringVar(&o.books, "books", "", "folder with W1.xlsx … W5.xlsx (see bench/gen)")
	flag.StringVar(&o.only, "only", "", "workbooks to measure, separated by commas (default all that are there)")
	flag.StringVar(&o.peers, "peers", "", "peers to measure besides gridflow, separated by commas (default all)")
	flag.IntVar(&o.runs, "runs", 5, "how often each peer reads each workbook")
	flag.DurationVar(&o.budget, "budget", time.Minute, "a peer that has taken so long on a workbook gets no further run")
	flag.Parse()
	exitOn(compare(o))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

type options struct {
	books, only, peers string
	runs               int
	budget             time.Duration
}

func compare(o options) error {
	if o.books == "" || o.runs < 1 {
		return errors.New("say where the workbooks are: -books DIR; go run ./bench/gen -out DIR makes them")
	}
	if _, err := os.Stat("../readone"); err != nil {
		return errors.New("run this in bench/peers")
	}
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	commands := map[string][]string{}
	var ready []peer
	var skipped []string
	for _, p := range peers {
		if o.peers != "" && p.name != own && p.name != touch && !slices.Contains(strings.Split(o.peers, ","), p.name) {
			continue
		}
		cmd, err := p.build(dir)
		if err != nil {
			if p.name == own || p.name == touch {
				return err
			}
			skipped = append(skipped, fmt.Sprintf("%s: %v", p.name, err))
			continue
		}
		commands[p.name] = cmd
		ready = append(ready, p)
	}

	fmt.Printf("%s/%s, %d CPUs, %s. Medians of up to %d runs, each in a process of its own.\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), o.runs)
	measured := 0
	for _, name := range []string{"W1", "W2", "W3", "W4", "W5"} {
		book := filepath.Join(o.books, name+".xlsx")
		if _, err := os.Stat(book); err != nil || o.only != "" && !slices.Contains(strings.Split(o.only, ","), name) {
			continue
		}
		measured++
		// A small workbook is read many times in one process: what is measured is the
		// reading, not the start of a program.
		repeat := 1
		if name == "W5" {
			repeat = 50
		}
		results := make([]*result, len(ready))
		for i, p := range ready {
			results[i] = &result{peer: p}
		}
		turns(results, commands, book, repeat, o.runs, o.budget)
		printTable(name, results)
	}
	if measured == 0 {
		return fmt.Errorf("no workbook to measure in %s", o.books)
	}
	for _, s := range skipped {
		fmt.Printf("\nNot measured: %s\n", s)
	}
	return nil
}

// printTable writes the results of one workbook, of which the first two are
// gridflow's. Ratios are against its load; more than 1 is slower than that.
func printTable(name string, results []*result) {
	base := results[0]
	fmt.Printf("\n### %s\n\n", name)
	if err := errors.Join(base.err, results[1].err); err != nil {
		fmt.Printf("gridflow failed: %v\n", err)
		return
	}
	want := results[1].runs[0].found
	fmt.Printf("%s cells with a value.\n\n", want["cells"])
	fmt.Println("| reader | user ms | system ms | wall ms | peak MB | × user | × wall | runs | |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, r := range results {
		if r.err != nil {
			fmt.Printf("| %s | | | | | | | | failed: %.80v |\n", r.peer.about, r.err)
			continue
		}
		fmt.Printf("| %s: %s | %.1f | %.1f | %.1f | %.0f | %.1f | %.1f | %d | %s |\n", r.peer.name, r.peer.about,
			r.median(user), r.median(sys), r.median(wall), r.median(peak),
			r.median(user)/base.median(user), r.median(wall)/base.median(wall), len(r.runs), disagreement(want, r.runs[0].found))
	}
}

// disagreement says what a peer has found that gridflow has not, in words. It
// compares what both tell: numbers, however they are spelled.
func disagreement(want, found map[string]string) string {
	for _, key := range []string{"cells", "sum"} {
		a, errA := strconv.ParseFloat(want[key], 64)
		b, errB := strconv.ParseFloat(found[key], 64)
		if errA == nil && errB == nil && a != b {
			return fmt.Sprintf("%s: found %s, not %s", key, found[key], want[key])
		}
	}
	return ""
}
