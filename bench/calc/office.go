package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/calc/scenes"
)

// findOffice finds LibreOffice's program.
func findOffice() (string, error) {
	for _, name := range []string{"soffice", "libreoffice"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no soffice in the path")
}

// macro is what LibreOffice runs inside of itself: times in milliseconds, one a line, the sum of
// the sheet's formulas last. GetSystemTicks counts milliseconds.
const macro = `Sub Measure
  Dim args(0) As New com.sun.star.beans.PropertyValue
  args(0).Name = "Hidden"
  args(0).Value = True
  doc = StarDesktop.loadComponentFromURL("%[1]s", "_blank", 0, args())
  Open "%[2]s" For Output As #1
  doc.calculateAll()
  For i = 1 To %[3]d
    t = GetSystemTicks()
    doc.calculateAll()
    Print #1, "full " & (GetSystemTicks() - t)
  Next
  sheet = doc.Sheets.getByIndex(0)
  found = sheet.queryContentCells(16)
  Print #1, "sum " & found.computeFunction(com.sun.star.sheet.GeneralFunction.SUM)
  For i = 1 To %[3]d
    t = GetSystemTicks()
    sheet.getCellByPosition(%[4]d, %[5]d).Value = i
    doc.calculate()
    Print #1, "edit " & (GetSystemTicks() - t)
  Next
  Close #1
  doc.close(True)
  StarDesktop.terminate()
End Sub
`

// runOffice has LibreOffice calculate a workbook, in a process and a profile of its own.
func runOffice(ctx context.Context, soffice, dir, path string, s scenes.Scene, runs int) (r result, err error) {
	profile, out := filepath.Join(dir, "profile"), filepath.Join(dir, "office.txt")
	code := fmt.Sprintf(macro, "file://"+path, out, runs, s.Edit.Col, s.Edit.Row)
	os.Remove(out)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	module := filepath.Join(profile, "user", "basic", "Standard", "Module1.xba")
	if _, err := os.Stat(module); err != nil {
		// The first start sets the profile up, whatever is in it, with an empty macro of this name.
		_ = command(ctx, soffice, profile).Run() // 81 is no failure here
	}
	if err := writeMacro(module, code); err != nil {
		return r, err
	}
	err = command(ctx, soffice, profile).Run()
	data, missing := os.ReadFile(out)
	if missing != nil {
		return r, fmt.Errorf("the macro did not run: %w", errors.Join(err, missing))
	}
	var full, edits []time.Duration
	for line := range strings.Lines(string(data)) {
		word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return r, fmt.Errorf("the macro wrote %q", line)
		}
		switch d := time.Duration(f * float64(time.Millisecond)); word {
		case "full":
			full = append(full, d)
		case "edit":
			edits = append(edits, d)
		case "sum":
			r.sum = f
		}
	}
	r.full, r.edit = median(full), median(edits)
	return r, nil
}

// command makes a command that runs the macro and ends, with all that it started, when ctx does.
func command(ctx context.Context, soffice, profile string) *exec.Cmd {
	c := exec.CommandContext(ctx, soffice, "-env:UserInstallation=file://"+profile, "--headless", "--norestore", "--nologo",
		"--nofirststartwizard", "macro:///Standard.Module1.Measure")
	group(c)
	return c
}

// writeMacro makes a Basic module of a profile.
func writeMacro(path, code string) error {
	var text strings.Builder
	if err := xml.EscapeText(&text, []byte(code)); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">`+text.String()+`</script:module>
`), 0o600)
}
