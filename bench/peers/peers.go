package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// A peer is a reader to be measured.
type peer struct {
	name, about string
	// build makes the peer ready and gives its command; the workbook's path and the
	// number of readings are appended to it. dir is for what is built.
	build func(dir string) ([]string, error)
}

// Two peers are gridflow itself. The ratios are against own, which has done its
// work when every cell is addressable; touch then looks at each of them, and
// says what they are for the comparison of what was found.
const (
	own   = "gridflow"
	touch = "gridflow-touch"
)

var peers = []peer{
	{own, "load: every cell is addressable", readone("-touch=false")},
	{touch, "load, then look at every cell", readone()},
	{"excelize-rows", "excelize Rows, raw values (no random access)", self("excelize-rows")},
	{"excelize-formatted", "excelize Rows, formatted values (no random access)", self("excelize-formatted")},
	{"excelize-cell", "excelize GetCellValue: the sheets are randomly addressable", self("excelize-cell")},
	{"calamine", "calamine worksheet_range (Rust, release, LTO)", calamine},
	{"libdeflate", "libdeflate inflates every part, nothing else (C)", libdeflate},
}

func readone(flags ...string) func(string) ([]string, error) {
	return func(dir string) ([]string, error) {
		bin := filepath.Join(dir, "readone")
		if err := command("../..", "go", "build", "-o", bin, "./bench/readone"); err != nil {
			return nil, err
		}
		return append(append([]string{bin}, flags...), "-repeat"), nil
	}
}

// self runs a peer that is part of this program.
func self(name string) func(string) ([]string, error) {
	return func(string) ([]string, error) {
		bin, err := os.Executable()
		return []string{bin, "read", name}, err
	}
}

func calamine(dir string) ([]string, error) {
	if _, err := exec.LookPath("cargo"); err != nil {
		return nil, errors.New("cargo is not installed")
	}
	if err := command("calamine", "cargo", "build", "--quiet", "--release", "--target-dir", dir); err != nil {
		return nil, err
	}
	return []string{filepath.Join(dir, "release", "calamine-peer")}, nil
}

func libdeflate(dir string) ([]string, error) {
	if _, err := exec.LookPath("cc"); err != nil {
		return nil, errors.New("no C compiler is installed")
	}
	bin := filepath.Join(dir, "inflate")
	if err := command("libdeflate", "cc", "-O2", "-o", bin, "inflate.c", "-ldeflate"); err != nil {
		return nil, fmt.Errorf("%w (is libdeflate-dev installed?)", err)
	}
	return []string{bin}, nil
}

// command runs a build step in a folder.
func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.300s", name, err, out)
	}
	return nil
}

// line completes a peer's command for one workbook.
func line(cmd []string, book string, repeat int) []string {
	return append(cmd[:len(cmd):len(cmd)], strconv.Itoa(repeat), book)
}
