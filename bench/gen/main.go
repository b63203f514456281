// Command gen writes the benchmark workbooks W1 … W5 into a folder.
//
//	go run ./bench/gen -out DIR [-only W1,W5] [-scale 0.01]
//
// The same scale gives the same files, so a folder made once serves every run.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gridflow/internal/genbook"
)

func main() {
	out := flag.String("out", "", "folder to write into; made if it is not there")
	only := flag.String("only", "", "names of the workbooks to write, separated by commas (default all)")
	scale := flag.Float64("scale", 1, "size of the workbooks, 1 for the full one")
	flag.Parse()
	if err := run(*out, *only, *scale); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out, only string, scale float64) error {
	if out == "" {
		return errors.New("say where to write: -out DIR")
	}
	if scale <= 0 || scale > 1 {
		return fmt.Errorf("-scale %g: want a number above 0 and at most 1", scale)
	}
	chosen := genbook.Workloads
	if only != "" {
		chosen = nil
		for _, name := range strings.Split(only, ",") {
			i := slices.IndexFunc(genbook.Workloads, func(l genbook.Workload) bool { return l.Name == strings.TrimSpace(name) })
			if i < 0 {
				return fmt.Errorf("-only %s: the workbooks are W1, W2, W3, W4 and W5", name)
			}
			chosen = append(chosen, genbook.Workloads[i])
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, l := range chosen {
		path := filepath.Join(out, l.Name+".xlsx")
		if err := write(path, l, scale); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Printf("%s  %6.1f MB  %s\n", path, float64(info.Size())/1e6, l.About)
	}
	return nil
}

// write leaves no half-written workbook under the final name.
func write(path string, l genbook.Workload, scale float64) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".gen-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err = l.Write(w, scale); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
