package main

import (
	"fmt"

	"github.com/xuri/excelize/v2"
)

// readers are the peers written in Go. Each reads a workbook and gives the
// number of cells with a value.
var readers = map[string]func(path string) (cells int, err error){
	"excelize-rows":      func(path string) (int, error) { return excelizeRows(path, true) },
	"excelize-formatted": func(path string) (int, error) { return excelizeRows(path, false) },
	"excelize-cell":      excelizeCell,
}

// excelizeRows streams all rows, which is the fastest that excelize offers.
func excelizeRows(path string, raw bool) (cells int, err error) {
	f, err := excelize.OpenFile(path, excelize.Options{RawCellValue: raw})
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for _, sheet := range f.GetSheetList() {
		rows, err := f.Rows(sheet)
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			columns, err := rows.Columns()
			if err != nil {
				return 0, err
			}
			for _, v := range columns {
				if v != "" {
					cells++
				}
			}
		}
		if err := rows.Close(); err != nil {
			return 0, err
		}
	}
	return cells, nil
}

// excelizeCell asks for one cell of every sheet, which makes excelize build the
// sheets in memory. It counts nothing: the time is that of becoming addressable.
func excelizeCell(path string) (cells int, err error) {
	f, err := excelize.OpenFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for _, sheet := range f.GetSheetList() {
		if _, err := f.GetCellValue(sheet, "A1"); err != nil {
			return 0, err
		}
	}
	return -1, nil
}

// read runs a reader of this program as a peer's process does.
func read(name, path string, repeat int) error {
	reader, ok := readers[name]
	if !ok {
		return fmt.Errorf("no reader %q", name)
	}
	cells := 0
	for range repeat {
		var err error
		if cells, err = reader(path); err != nil {
			return err
		}
	}
	if cells >= 0 {
		fmt.Printf("cells=%d", cells)
	}
	fmt.Println()
	return nil
}
