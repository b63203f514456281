package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/textfile"
	"gridflow/internal/xlsx"
)

// calc evaluates one formula and prints what it gives: a line for each row, tabs between the
// columns. Why an error arose goes to standard error, and then the exit code is 1.
func (p *program) calc(ctx context.Context, args []string) error {
	var file, sheet, at string
	text := func(to *string) func([]string) error {
		return single(func(s string) error { *to = s; return nil })
	}
	_, rest, err := configure("calc", args, p.lookupEnv,
		setting{name: "file", allowed: "a workbook", set: text(&file)},
		setting{name: "sheet", allowed: "the name of a sheet", set: text(&sheet)},
		setting{name: "at", allowed: "a cell such as B7", set: text(&at)},
	)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one formula, in quotes: gridflow calc 'SUM(1,2)'")
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	snap := book.Blank()
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		if snap, err = workbookOf(ctx, f); err != nil {
			return err
		}
	}
	index := 0
	if sheet != "" {
		var ok bool
		if index, ok = snap.SheetIndex(sheet); !ok {
			var names []string
			for _, s := range snap.Workbook().Sheets {
				names = append(names, s.Name)
			}
			return usagef("--sheet: there is no sheet %q%s", sheet, didYouMean("", sheet, names))
		}
	}
	var ref cell.Ref
	if at != "" {
		var ok bool
		if ref, ok = cell.ParseRef(at); !ok {
			return usagef("--at: %q is no cell; give one such as B7", at)
		}
	}
	formula := strings.TrimPrefix(strings.TrimSpace(rest[0]), "=")
	rows, reason, err := snap.Evaluate(ctx, book.MomentAt(time.Now(), rand.Uint64()), index, ref, formula)
	if err != nil {
		return err
	}
	var out strings.Builder
	failed := cell.ErrorCode(0)
	for _, row := range rows {
		for i, v := range row {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(v.String())
			if failed == 0 {
				failed = v.Err()
			}
		}
		out.WriteByte('\n')
	}
	if _, err := p.stdout.Write([]byte(out.String())); err != nil {
		return err
	}
	switch {
	case failed == 0:
		return nil
	case reason == "":
		return fmt.Errorf("%v stands in the formula or in a cell that it reads", failed)
	}
	return fmt.Errorf("%v: %s", failed, reason)
}

// workbookOf reads a workbook or a text file. The snapshot is of use as long as f is open.
func workbookOf(ctx context.Context, f *os.File) (*book.Snapshot, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var src book.Source
	switch strings.ToLower(filepath.Ext(f.Name())) {
	case ".csv", ".tsv":
		src, err = textfile.Open(ctx, f, info.Size(), filepath.Base(f.Name()))
	default:
		src, err = xlsx.Open(ctx, f, info.Size(), xlsx.Limits{})
	}
	if err != nil {
		return nil, err
	}
	return book.NewSnapshot(f.Name(), "", src), nil
}
