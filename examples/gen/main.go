// Command gen writes the example workbooks into the folder above it, or into
// the one that -out names.
//
//	go run ./examples/gen
//
// Every formula carries the value that Excel shows for it: each example is a
// small model written twice, once as formulas for the reader and once in Go for
// the cached values. The tests let a third engine check that both agree.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// An example is one file of the folder.
type example struct {
	name  string
	build func() ([]byte, error)
}

var examples = []example{
	{"budget.xlsx", book(budget)},
	{"loan.xlsx", book(loan)},
	{"messy.xlsx", book(messy)},
	{"orders.csv", orders},
	{"sales.xlsx", book(sales)},
}

func main() {
	out := flag.String("out", "examples", "folder to write into")
	flag.Parse()
	for _, e := range examples {
		data, err := e.build()
		if err == nil {
			err = os.WriteFile(filepath.Join(*out, e.name), data, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", e.name, err)
			os.Exit(1)
		}
		fmt.Printf("%-12s %8d bytes\n", e.name, len(data))
	}
}

func book(make func() *genbook.Book) func() ([]byte, error) {
	return func() ([]byte, error) {
		var b bytes.Buffer
		err := make().Write(&b)
		return b.Bytes(), err
	}
}

func newBook(title string) *genbook.Book {
	return &genbook.Book{Title: title, Creator: "gridflow examples", Created: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC), CalcChain: true}
}

// area reads a range that is written in this program.
func area(a1 string) cell.Range {
	r, ok := cell.ParseRange(a1)
	if !ok {
		panic("bad range " + a1)
	}
	return r
}

// round is ROUND: half away from zero, on the decimal value that a person
// reads, so that 2.675 gives 2.68 although its double lies a little below.
func round(f float64, digits int) float64 {
	scale := math.Pow(10, float64(digits))
	scaled := float64(f * scale)
	return math.Round(scaled+math.Copysign(1e-9, f)) / scale
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
