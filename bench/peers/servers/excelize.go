package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// excelizePeer does what the scripts do, with excelize: OP FILE SHEET CELL.
func excelizePeer(args []string) error {
	op, path, sheet, cell := args[0], args[1], args[2], args[3]
	began := time.Now()
	f, err := excelize.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	read := func(row int) error {
		for r := row; r < row+20; r++ {
			for c := 1; c <= 10; c++ {
				name, err := excelize.CoordinatesToCellName(c, r)
				if err != nil {
					return err
				}
				if _, err := f.GetCellValue(sheet, name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	warm := func() error { // the sheet is in memory, and the clock begins
		_, err := f.GetCellValue(sheet, "A1")
		began = time.Now()
		return err
	}
	switch op {
	case "cold":
		err = read(1)
	case "page":
		var rows *excelize.Rows
		if rows, err = f.Rows(sheet); err != nil {
			return err
		}
		for n := 0; n < 50 && rows.Next(); n++ {
			if _, err := rows.Columns(); err != nil {
				return err
			}
		}
		err = rows.Close()
	case "reads":
		if err = warm(); err != nil {
			return err
		}
		for i := range 1000 {
			if err := read(1 + i*7919%99_000); err != nil {
				return err
			}
		}
	case "find":
		if err = warm(); err != nil {
			return err
		}
		_, err = f.SearchSheet(sheet, "424242")
	case "edit":
		if err = warm(); err != nil {
			return err
		}
		if err = f.SetCellValue(sheet, cell, 424242); err != nil {
			return err
		}
		var text string
		if text, err = f.GetCellValue(sheet, cell); err == nil && !strings.Contains(text, "424242") {
			err = fmt.Errorf("it reads %q", text)
		}
	case "save", "fidelity":
		if err = warm(); err != nil {
			return err
		}
		if err = f.SetCellValue(sheet, cell, 424242); err != nil {
			return err
		}
		err = f.SaveAs(path + ".saved.xlsx")
	default:
		os.Exit(3)
	}
	if err != nil {
		return err
	}
	fmt.Printf("ms=%.3f\n", time.Since(began).Seconds()*1000)
	return nil
}
