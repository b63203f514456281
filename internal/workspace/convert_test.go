package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// converter makes a workbook whose first cell has what the file says.
type converter struct {
	t      testing.TB
	dir    string
	absent atomic.Pointer[Error]
	runs   atomic.Int64
}

func (c *converter) Formats() []string { return []string{".xls", ".ods"} }

func (c *converter) Available() error {
	if e := c.absent.Load(); e != nil {
		return e
	}
	return nil
}

type refusal struct{ error }

func (refusal) Told() (code, message, hint string) {
	return "ENCRYPTED", "it has a password", "Remove it"
}

func (c *converter) Convert(_ context.Context, sum, ext string, src io.ReaderAt, size int64) (*os.File, error) {
	c.runs.Add(1)
	text, err := io.ReadAll(io.NewSectionReader(src, 0, size))
	if err != nil {
		return nil, err
	}
	if string(text) == "crash" {
		return nil, fmt.Errorf("left alone: %w", &breaker.OpenError{Name: "convert", RetryAfter: time.Minute})
	}
	if string(text) == "secret" {
		return nil, refusal{errors.New("a password")}
	}
	var g genbook.Grid
	g.Set("A1", 0, string(text)+ext)
	g.Formula("A2", 0, "1+1", 2.0)
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "S"}))
	f, err := os.Create(filepath.Join(c.dir, fmt.Sprint(sum, c.runs.Load())))
	if err == nil {
		err = b.Write(f)
	}
	return f, err
}

func (c *converter) first(w *Workspace, id string) (text string, err error) {
	err = w.View(c.t.Context(), id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(c.t.Context(), 0)
		text = sheet.Value(cell.Ref{}).Text()
		return err
	})
	return text, err
}

// TestConverted: with a Converter workbooks of its formats are listed and read like others, each
// revision converted once however many ask; a fork of one stands on what it was converted to.
func TestConverted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.csv": "x", "old.xls": "one", "sub/odf.ODS": "two", "locked.xls": "secret", "not.xlsb": "x", "bad.xls": "crash"} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	c := &converter{t: t, dir: t.TempDir()}
	w := open(t, Options{Converter: c, Bases: filepath.Join(t.TempDir(), "bases")}, dir)
	var names []string
	for _, e := range w.Entries(context.Background()) {
		names = append(names, e.Path)
	}
	if got := strings.Join(names, " "); got != "a.csv bad.xls locked.xls sub/odf.ODS old.xls" {
		t.Errorf("listed: %s", got)
	}
	for id, want := range map[string]bool{"old.xls": true, "odf": true, "a.csv": false, "not.xlsb": false, "none": false} {
		if got := w.Converts(context.Background(), id); got != want {
			t.Errorf("%s is converted when it is read: %v", id, got)
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := c.first(w, "old.xls"); err != nil || got != "one.xls" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
	if n := c.runs.Load(); n != 1 {
		t.Errorf("converted %d times", n)
	}
	if w.Converts(context.Background(), "old.xls") {
		t.Error("what is open is converted once more")
	}
	if got, err := c.first(w, "odf"); err != nil || got != "two.ods" {
		t.Errorf("%q, %v", got, err)
	}
	_, err := c.first(w, "locked")
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "ENCRYPTED" || !strings.HasPrefix(e.Message, "locked.xls: ") {
		t.Errorf("one with a password: %v", err)
	}
	if _, err := c.first(w, "bad"); !strings.HasPrefix(code(err), "left alone: ") {
		t.Errorf("the Converter's own refusal: %v", err)
	}
	sum, err := w.Revision(t.Context(), "old.xls")
	if want := "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"; err != nil || sum != want { // of "one"
		t.Errorf("revision %s, %v", sum, err)
	}
	e, hold, err := w.KeepBase(t.Context(), "old.xls")
	if err != nil || hold.Ext != ".xlsx" || e.Path != "old.xls" {
		t.Fatalf("%+v, %v", hold, err)
	}
	base := hold.Base
	hold.Release()

	// The file changes: what is read is the new one, and the base stays.
	write(t, filepath.Join(dir, "old.xls"), "three")
	if got, err := c.first(w, "old.xls"); err != nil || got != "three.xls" {
		t.Errorf("%q, %v", got, err)
	}
	hold, err = w.HoldBase(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if sheet, err := hold.Snapshot().Sheet(t.Context(), 0); err != nil || sheet.Value(cell.Ref{}).Text() != "one.xls" {
		t.Errorf("the base has %v, %v", sheet.Value(cell.Ref{}), err)
	}
	hold.Release()

	// The converter goes, and comes again.
	gone := &Error{Code: CodeNoConverter, Message: "gone"}
	c.absent.Store(gone)
	if n := len(w.Entries(context.Background())); n != 1 {
		t.Errorf("%d are listed without it", n)
	}
	if _, err := c.first(w, "old.xls"); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	c.absent.Store(nil)
	if n := len(w.Entries(context.Background())); n != 5 {
		t.Errorf("%d are listed with it", n)
	}
	if _, err := w.Lookup(t.Context(), "not.xlsb"); code(err) != CodeNoConverter {
		t.Errorf("a format that it does not know: %v", err)
	}
}

// TestConvertedBesideOpened: a name that a workbook and a file of another format have means the workbook; and what is seen of
// some roots has the converted ones where they can be opened, and only there.
func TestConvertedBesideOpened(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"report.ods", "report.csv", "report.xls"} {
		write(t, filepath.Join(dir, name), "1\n")
	}
	w := open(t, Options{Converter: &converter{t: t, dir: t.TempDir()}}, dir, t.TempDir())
	if e, err := w.Lookup(t.Context(), "report"); err != nil || e.Path != "report.csv" {
		t.Errorf("%+v, %v", e, err)
	}
	alice := seeing(w.Roots()[0])
	for _, converted := range []bool{false, true, false} {
		want := 1
		if converted {
			want = 3
		}
		if got := w.catalogue.listSeen(converted, w.roots, alice); len(got) != want {
			t.Errorf("converted %v: %d are seen", converted, len(got))
		}
	}
}
