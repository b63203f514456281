// Package admit knows what a call of gridflow will cost before it runs: [Pricer.Price]
// gives what package flow asks. It looks at the tool, at the size of the workbook that the
// arguments name, and at whether that is in memory; it touches no file. [Weights] say which
// clients get more of the time than others.
//
// The one invariant: a price is a guess. Nothing is refused because of it but what the
// operator's bounds on memory refuse; what a call really took corrects the next guess.
package admit

import (
	"context"
	"encoding/json"
	"math/bits"
	"net/url"
	"strings"
	"time"

	"gridflow/flow"
	"gridflow/internal/principal"
	"gridflow/internal/tools"
)

// Books is what a Pricer needs of a workspace.
type Books interface {
	// Peek gives the size of a workbook's file and what of it is in memory, in bytes.
	Peek(ctx context.Context, id string) (fileBytes, memoryBytes int64, ok bool)
	// Converts reports whether who reads a workbook now may have to wait until LibreOffice has
	// made an .xlsx file of it.
	Converts(ctx context.Context, id string) bool
	// Unread gives what the load of a sheet, with "" of all sheets, of a workbook that is open
	// may still come to take, in bytes: 0 where nothing is known.
	Unread(ctx context.Context, id, sheet string) int64
}

// A Pricer prices calls. It may be used from any number of goroutines at once.
type Pricer struct {
	Books Books
	// MaxBytes gives the most of the resource flow.Bytes that any call may take now: a load
	// that is larger takes as much and runs without others of its size.
	MaxBytes func() int64
}

// What a call costs before any has been seen. The first call of its kind and size corrects
// it, so that only the orders of magnitude matter: scanning and loading go at tens of
// megabytes of file a second and core (docs/bench.md).
const (
	lookup      = 200 * time.Microsecond // a page of a workbook in memory
	opening     = 3 * time.Millisecond   // the same of one that nobody has opened
	scanPerMB   = 5 * time.Millisecond   // looking at every cell, per megabyte of the file
	loadPerMB   = 12 * time.Millisecond  // loading them before
	loadedBytes = 2                      // what loading may take, per byte of the file

	// LibreOffice on a small workbook: to load it, calculate it and write it, or to draw a part
	// of it; and what it takes longer for each megabyte of one (a megabyte is some 20 000 cells).
	officeJob   = 150 * time.Millisecond
	officePerMB = 500 * time.Millisecond
)

// Price gives what is known of a call: tool is nil for the reading of the resource uri. Of a
// workbook that the principal of ctx does not see it knows nothing.
func (p *Pricer) Price(ctx context.Context, tool *tools.Tool, args json.RawMessage, uri string) flow.Work {
	w := flow.Work{Class: flow.Auto, Need: flow.Amounts{flow.CPU: 1}, Prior: lookup}
	w.Kind.Name = "resources/read"
	reach, disk := tools.ReachPart, false
	id, sheet := bookOfURI(uri)
	if tool != nil {
		w.Kind.Name, reach, disk = tool.Name, tool.Reach, tool.Disk
		id, sheet = bookOfArguments(args)
	}
	if disk {
		w.Need[flow.IO] = 1
	}
	if tool != nil {
		p.office(ctx, &w, tool, args)
	}
	if reach == tools.ReachNothing {
		w.Class, w.Need = flow.Admin, flow.Amounts{}
		return w
	}
	size, inMemory, ok := p.Books.Peek(ctx, id)
	if !ok {
		return w // there is no such workbook, or none is meant: an answer costs little
	}
	w.Kind.Size = flow.SizeBucket(size)
	w.Kind.Cold = inMemory < size/4 // a workbook that has been opened is not yet loaded
	perMB := func(cost time.Duration) time.Duration { return time.Duration(float64(cost) * float64(size) / 1e6) }
	switch {
	case reach == tools.ReachPart && w.Kind.Cold:
		w.Prior = opening
	case reach != tools.ReachPart && w.Kind.Cold:
		w.Prior = opening + perMB(loadPerMB+scanPerMB)
	case reach != tools.ReachPart:
		w.Prior = lookup + perMB(scanPerMB)
	}
	if w.Kind.Via != "" {
		w.Prior += officeJob + perMB(officePerMB)
	}
	if p.Books.Converts(ctx, id) {
		converted(&w)
		w.Prior += officeJob + perMB(officePerMB)
	}
	switch {
	case w.Kind.Cold:
		w.Need[flow.Bytes] = p.rounded(size * loadedBytes)
		if reach == tools.ReachPart && !disk && w.Share == "" {
			// Many callers of one sheet wait for one load, and do little after it: they do so
			// under one permit, so that the load goes on as long as one of them is there.
			w.Share = "load " + ours(ctx) + id
			if sheet != "" {
				w.Share += "/" + sheet
			}
		}
	case reach == tools.ReachBook:
		w.Need[flow.Bytes] = p.rounded(p.Books.Unread(ctx, id, ""))
	case sheet != "": // others of the workbook are in memory, this one need not be
		w.Need[flow.Bytes] = p.rounded(p.Books.Unread(ctx, id, sheet))
	}
	return w
}

// office adds what a call takes of LibreOffice: a seat for recalculations or renderings, and
// none of the processors, unless it calculates by itself too. While LibreOffice works the call
// waits for it; what it does itself, to write the workbook and to read the result, is bounded by
// those seats. Otherwise one picture on a machine of two processors would keep out all but the
// short calls. Recalculations of the same workbook come in under one permit, because the pool
// does those of the same version once for all.
func (p *Pricer) office(ctx context.Context, w *flow.Work, tool *tools.Tool, args json.RawMessage) {
	var a struct {
		Backend string `json:"backend"`
	}
	_ = json.Unmarshal(args, &a) // what is wrong with it is for the tool to say
	office, itself := tool.TakesOffice(a.Backend)
	if office == tools.OfficeNothing {
		return
	}
	w.Kind.Via = string(office)
	if !itself {
		w.Need[flow.CPU], w.Apart = 0, true
	}
	seat := flow.Recalc
	if office == tools.OfficeRender {
		seat = flow.Render
	}
	w.Need[seat] = 1
	if id, _ := bookOfArguments(args); office == tools.OfficeRecalc && id != "" {
		w.Share = "office " + tool.Name + " " + strings.ToLower(a.Backend) + " " + ours(ctx) + id
	}
}

// ours tells apart what may be another workbook by the same name for who sees other roots.
func ours(ctx context.Context) string {
	if p := principal.From(ctx); !p.SeesAll() {
		return p.Name + " "
	}
	return ""
}

// converted adds what it takes that LibreOffice converts the workbook before the call can read it:
// a seat, as for export_workbook, and no processor, as for all that waits for LibreOffice. Where the
// workbook was converted before, the seat is held for no longer than the call.
func converted(w *flow.Work) {
	w.Need[flow.Recalc] = 1
	if w.Kind.Via == "" {
		w.Kind.Via = string(tools.OfficeConvert)
		w.Need[flow.CPU], w.Apart = 0, true
	}
}

// rounded gives the bytes that a load takes, so that the scheduler has few different needs
// to tell apart.
func (p *Pricer) rounded(bytes int64) int64 {
	if bytes <= 0 {
		return 0
	}
	return min(1<<bits.Len64(uint64(bytes)), p.MaxBytes())
}

// bookOfArguments gives the workbook and the sheet that a tool's arguments name, "" if none.
func bookOfArguments(args json.RawMessage) (id, sheet string) {
	var a struct {
		WorkbookOrFork string `json:"workbook_or_fork_id"`
		Workbook       string `json:"workbook_id"`
		Fork           string `json:"fork_id"`
		Sheet          string `json:"sheet_name"`
	}
	// What is wrong with the arguments is for the tool to say.
	_ = json.Unmarshal(args, &a)
	for _, id := range []string{a.WorkbookOrFork, a.Workbook, a.Fork} {
		if id != "" {
			return id, a.Sheet
		}
	}
	return "", ""
}

// bookOfURI gives the workbook and the sheet of gridflow://WORKBOOK/SHEET/RANGE.
func bookOfURI(uri string) (id, sheet string) {
	_, rest, _ := strings.Cut(uri, "://")
	id, rest, _ = strings.Cut(rest, "/")
	sheet, _, _ = strings.Cut(rest, "/")
	return unescaped(id), unescaped(sheet)
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
