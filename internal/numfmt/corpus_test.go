package numfmt

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
)

// corpusCase is what another program's tests, or Excel itself through a cached TEXT
// result, say that a value shows as.
type corpusCase struct {
	source, code string
	value        cell.Value
	sys          DateSystem
	want         string
}

// TestCorpus compares with the expectations of third parties. Each difference is
// listed with its reason in testdata/corpus_differences.tsv; a difference that is not
// listed fails, and so does a listed one that is gone.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	var cases []corpusCase
	cases = append(cases, excelText(t, filepath.Join(dir, "poi", "spreadsheet__NumberFormatTests.xlsx"), Date1900)...)
	cases = append(cases, excelText(t, filepath.Join(dir, "poi", "spreadsheet__GeneralFormatTests.xlsx"), Date1900)...)
	cases = append(cases, excelText(t, filepath.Join(dir, "poi", "spreadsheet__ElapsedFormatTests.xlsx"), Date1904)...)
	cases = append(cases, phpCases(t, filepath.Join(dir, "_tables", "phpspreadsheet_expected.jsonl"))...)
	cases = append(cases, formulaCases(t, filepath.Join(dir, "_tables", "libreoffice_functions.tsv"), 4, 6)...)
	cases = append(cases, formulaCases(t, filepath.Join(dir, "_tables", "excelize_calc_tests.tsv"), 1, 2)...)
	cases = append(cases, formulaCases(t, filepath.Join(dir, "_tables", "formualizer_doc_examples.tsv"), 1, 2)...)
	cases = append(cases, jsCases(t, filepath.Join(dir, "_tables", "formulajs_tests.tsv"))...)

	reasons := readDifferences(t)
	seen := map[string]bool{}
	same := 0
	for _, c := range cases {
		got := string(Compile(c.code).Append(nil, c.value, c.sys))
		if got == c.want {
			same++
			continue
		}
		key := fmt.Sprintf("%s\t%s\t%s\t|%s|\t|%s|", c.source, c.code, c.value, c.want, got)
		if reasons[key] == "" {
			t.Errorf("not listed:\n%s", key)
		}
		seen[key] = true
	}
	for key := range reasons {
		if !seen[key] {
			t.Errorf("listed, but no longer so:\n%s", key)
		}
	}
	t.Logf("%d cases, %d the same, %d listed differences", len(cases), same, len(reasons))
	if len(cases) < 600 {
		t.Errorf("only %d cases found", len(cases))
	}
}

// readDifferences reads lines of source, code, value, their text, our text, reason.
func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus_differences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "// ") {
			continue
		}
		i := strings.LastIndexByte(line, '\t')
		if i < 0 || strings.Count(line, "\t") != 5 {
			t.Fatalf("corpus_differences.tsv: want six columns: %q", line)
		}
		m[line[:i]] = line[i+1:]
	}
	return m
}

// excelText reads a sheet "Tests" of Excel's own results: A is TEXT(C, B).
func excelText(t *testing.T, path string, sys DateSystem) (cases []corpusCase) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Tests", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if i == 0 || len(r) < 3 || r[1] == "" {
			continue
		}
		v := parseValue(r[2])
		if typ, _ := f.GetCellType("Tests", "C"+strconv.Itoa(i+1)); typ == excelize.CellTypeBool {
			v = cell.BoolValue(r[2] == "1")
		}
		cases = append(cases, corpusCase{"excel", r[1], v, sys, r[0]})
	}
	return cases
}

// parseValue reads a number, or else keeps the text.
func parseValue(s string) cell.Value {
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		return cell.NumberValue(x)
	}
	return cell.TextValue(s)
}

func phpCases(t *testing.T, path string) (cases []corpusCase) {
	t.Helper()
	for _, line := range readLines(t, path) {
		var c struct {
			File string
			Row  []any
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(c.File, "Style/NumberFormat") && c.File != "Calculation/TextData/TEXT" || len(c.Row) < 3 {
			continue
		}
		want, ok1 := c.Row[0].(string)
		code, ok2 := c.Row[2].(string)
		if !ok1 || !ok2 {
			continue
		}
		var v cell.Value
		switch x := c.Row[1].(type) {
		case float64:
			v = cell.NumberValue(x)
		case string:
			v = parseValue(x)
		default:
			continue
		}
		cases = append(cases, corpusCase{"phpspreadsheet", code, v, Date1900, want})
	}
	return cases
}

// formulaCases takes the rows whose whole formula is TEXT(number, "code").
func formulaCases(t *testing.T, path string, formula, expected int) (cases []corpusCase) {
	t.Helper()
	for _, line := range readLines(t, path) {
		col := strings.Split(line, "\t")
		if len(col) <= max(formula, expected) {
			continue
		}
		body, ok := strings.CutPrefix(strings.TrimPrefix(col[formula], "="), "TEXT(")
		if !ok {
			continue
		}
		number, code, ok := strings.Cut(strings.TrimSuffix(body, ")"), ",")
		code = strings.TrimSpace(code)
		if !ok || len(code) < 2 || code[0] != '"' || code[len(code)-1] != '"' {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			continue
		}
		code = strings.ReplaceAll(code[1:len(code)-1], `""`, `"`)
		source, _, _ := strings.Cut(filepath.Base(path), "_")
		cases = append(cases, corpusCase{source, code, cell.NumberValue(x), Date1900, strings.Trim(col[expected], `"`)})
	}
	return cases
}

func jsCases(t *testing.T, path string) (cases []corpusCase) {
	t.Helper()
	for _, line := range readLines(t, path) {
		col := strings.Split(line, "\t")
		if len(col) < 4 || col[1] != "TEXT" {
			continue
		}
		number, code, _ := strings.Cut(col[2], ", ")
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || !strings.HasPrefix(code, "'") || !strings.HasPrefix(col[3], "'") {
			continue
		}
		cases = append(cases, corpusCase{"formulajs", strings.Trim(code, "'"), cell.NumberValue(x), Date1900, strings.Trim(col[3], "'")})
	}
	return cases
}

func readLines(t *testing.T, path string) (lines []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		lines = append(lines, sc.Text())
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
