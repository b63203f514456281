package office

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

var soakJobs = flag.Int("office.jobs", 0, "jobs of TestSoak with LibreOffice itself, a quarter of them hostile; 0: few, with the fake")

// made gives a workbook as a file.
func made(t testing.TB, fill func(f *excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	var b bytes.Buffer
	if err := errors.Join(fill(f), f.Write(&b)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// good is a workbook of which the cell C1 is n times seven.
func good(t testing.TB, n int) []byte {
	return made(t, func(f *excelize.File) error {
		return errors.Join(f.SetCellValue("Sheet1", "A1", n), f.SetCellFormula("Sheet1", "B1", "A1*6"), f.SetCellFormula("Sheet1", "C1", "A1+B1"))
	})
}

// hostile are documents of which no good is to be expected; they are many, so that the
// quarantine of one does not spare LibreOffice the others.
func hostile(t testing.TB, n int) (name string, content []byte) {
	sound := good(t, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	kind := n % 8
	if kind >= 6 && n/8%4 != 0 {
		kind = n / 8 % 6 // those that take their time until they are stopped are fewer
	}
	switch kind {
	case 0:
		return "truncated", sound[:len(sound)*(1+n%9)/10]
	case 1:
		return "flipped", func() []byte {
			b := slices.Clone(sound)
			for range 40 {
				b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
			}
			return b
		}()
	case 2:
		b := make([]byte, 4096)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return "random", b
	case 3:
		return "text", []byte(strings.Repeat(fmt.Sprint("no workbook ", n, "\n"), 50))
	case 4:
		return "nothing", nil
	case 5:
		return "circular", made(t, func(f *excelize.File) error {
			return errors.Join(f.SetCellFormula("Sheet1", "A1", "B1+1"), f.SetCellFormula("Sheet1", "B1", fmt.Sprint("A1*", n)))
		})
	case 6:
		return "doubling", made(t, func(f *excelize.File) error { // a text of 2^40 bytes, if it could be
			err := f.SetCellValue("Sheet1", "A1", fmt.Sprint(strings.Repeat("x", 50), n))
			for row := 2; row < 60; row++ {
				err = errors.Join(err, f.SetCellFormula("Sheet1", fmt.Sprint("A", row), fmt.Sprintf("A%d&A%d", row-1, row-1)))
			}
			return err
		})
	}
	return "endless", made(t, func(f *excelize.File) error {
		var err error
		for row := 1; row <= 3000; row++ {
			err = errors.Join(err, f.SetCellFormula("Sheet1", fmt.Sprint("A", row), fmt.Sprintf("SUMPRODUCT(SIN(ROW($B$1:$B$60000)+%d)*COS(ROW($B$1:$B$60000)))", row+n)))
		}
		return err
	})
}

// TestSoak: of many jobs on two workers, a quarter of them hostile, every good one succeeds,
// the memory of the workers stays within its bound, and at the end there is no process and no
// file (make office: 2000 with LibreOffice itself).
func TestSoak(t *testing.T) {
	n, setting, bound := 60, "fake:good", int64(DefaultMemory)
	if *soakJobs > 0 {
		n, setting = *soakJobs, "auto"
		if _, err := lok.Find(""); err != nil {
			t.Skip(err)
		}
	}
	p := wholeRig(t, setting, func(o *Options) {
		o.Workers, o.StartTimeout = 2, 5*time.Minute
		if setting == "auto" {
			o.JobTimeout = 30 * time.Second // for a good one a second is long, unless the machine has too much to do
		}
	})
	// Each hostile document is another one; the breaker, which is for a LibreOffice that fails,
	// would refuse the good ones with them, and for half of the time nothing would be done.
	p.forgive()
	var mu sync.Mutex
	outcomes := make(map[string]int)
	rssMax := int64(0)
	var wg sync.WaitGroup
	jobs := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range jobs {
				name, content := "good", good(t, i)
				if i%4 == 3 {
					name, content = hostile(t, i/4)
				}
				op := kinds[i%3]
				if setting != "auto" && name != "good" {
					name, content = []string{"crash", "fail"}[i/4%2], []byte([]string{"fake:exit=3,", "fake:fail=not_loaded,"}[i/4%2]+fmt.Sprint(i))
				}
				err := p.Run(t.Context(), fmt.Sprint(name, i), fileJob(op, content, func(dir string, r wire.Response) error {
					mu.Lock()
					defer mu.Unlock()
					rssMax = max(rssMax, r.Usage.RSS)
					out, err := os.ReadFile(filepath.Join(dir, "out"))
					if name == "good" && op == wire.Recalculate && setting == "auto" {
						if got := cellOf(t, out, "C1"); got != fmt.Sprint(7*i) {
							t.Errorf("of %d LibreOffice makes %s", i, got)
						}
					}
					return err
				}))
				mu.Lock()
				outcomes[name+": "+code(err)]++
				mu.Unlock()
				if name == "good" && err != nil {
					t.Errorf("a good one: %v", err)
				}
			}
		})
	}
	begin := time.Now()
	for i := range n {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	s := p.Stats()
	t.Logf("%d jobs in %v: %v; workers %d started, ended %v; the most memory of one %d MB", n, time.Since(begin).Round(time.Millisecond), outcomes, s.Started, s.Ended, rssMax>>20)
	if rssMax > 2*bound {
		t.Errorf("a worker had %d MB", rssMax>>20)
	}
	if most := s.Slots + 1; s.Workers["idle"]+s.Workers["busy"] > most {
		t.Errorf("%+v", s.Workers)
	}
}

// forgive gives a pool breakers that do not open: in a soak most that fails is meant to.
func (p *Pool) forgive() {
	for i := range p.breakers {
		p.breakers[i] = lenient(p.breakers[i].Name())
	}
	p.starts = lenient(p.starts.Name())
}

// cellOf gives the value of a cell of the first sheet.
func cellOf(t testing.TB, book []byte, ref string) string {
	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer f.Close()
	v, err := f.GetCellValue(f.GetSheetName(0), ref)
	if err != nil {
		t.Error(err)
	}
	return v
}
