package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"gridflow/internal/journal"
	"gridflow/internal/vfs"
)

// journal shows what is in a journal, or checks it. It takes no lock and changes nothing,
// so it may be used while a server writes.
func (p *program) journal(_ context.Context, args []string) (err error) {
	var stream []string
	var check, asJSON bool
	_, rest, err := configure("journal", args, p.lookupEnv,
		setting{name: "stream", allowed: "the id of a stream", set: func(texts []string) error { stream = texts; return nil }},
		setting{name: "check", flag: true, allowed: "true or false", set: boolean(&check)},
		setting{name: "json", flag: true, allowed: "true or false", set: boolean(&asJSON)},
	)
	switch {
	case err != nil:
		return err
	case len(rest) == 0:
		return usagef("which journal? give its folder")
	case len(rest) > 1:
		return usagef("journal takes one folder, got %q as well", rest[1])
	case len(stream) > 1:
		return usagef("--stream is given more than once")
	case len(stream) == 1 && check:
		return usagef("give either --stream or --check: a check reads all streams")
	}
	dir, err := vfs.OpenOS(rest[0])
	if err != nil {
		return err
	}
	defer dir.Close()
	log, err := journal.Open(dir, ".", journal.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer log.Close()
	if log.Stats().Segments == 0 {
		return fmt.Errorf("%q: there is no journal in this folder; that of a state folder is in its folder journal", rest[0])
	}
	out := lines{json: json.NewEncoder(p.stdout), table: tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0), asJSON: asJSON}
	out.json.SetEscapeHTML(false)
	switch {
	case check:
		err = checkJournal(&out, log)
	case len(stream) == 1:
		err = printStream(&out, log, stream[0])
	default:
		out.head("STREAM\tRECORDS\tBYTES\tFIRST\tLAST")
		for _, info := range log.Infos() {
			out.print(streamLine{info.Stream, info.Records, info.Bytes, info.First.UTC(), info.Last.UTC(), info.Segments, info.Snapshot != 0})
		}
	}
	return errors.Join(err, out.close())
}

// lines prints one line for each thing, as a table or as JSON.
type lines struct {
	json   *json.Encoder
	table  *tabwriter.Writer
	asJSON bool
	err    error // the first one
}

// head prints the names of the columns of a table.
func (o *lines) head(columns string) {
	if !o.asJSON {
		_, err := fmt.Fprintln(o.table, columns)
		o.err = errors.Join(o.err, err)
	}
}

// print takes something that knows its line in a table.
func (o *lines) print(v fmt.Formatter) {
	var err error
	if o.asJSON {
		err = o.json.Encode(v)
	} else {
		_, err = fmt.Fprintf(o.table, "%v\n", v)
	}
	o.err = errors.Join(o.err, err)
}

func (o *lines) close() error { return errors.Join(o.err, o.table.Flush()) }

type streamLine struct {
	Stream   string    `json:"stream"`
	Records  uint64    `json:"records"`
	Bytes    uint64    `json:"bytes"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Segments int       `json:"segments"`
	Snapshot bool      `json:"snapshot"`
}

func (l streamLine) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "%q\t%d\t%d\t%s\t%s", l.Stream, l.Records, l.Bytes, l.First.Format(time.RFC3339), l.Last.Format(time.RFC3339))
}

type recordLine struct {
	Seq      uint64    `json:"seq"`
	Kind     uint8     `json:"kind"`
	Snapshot bool      `json:"snapshot"`
	Time     time.Time `json:"time"`
	Size     int       `json:"size"`
	Pos      string    `json:"pos"`
	Form     string    `json:"form"` // of the preview: json or hex
	Preview  string    `json:"preview"`
}

func (l recordLine) Format(w fmt.State, _ rune) {
	mark := ""
	if l.Snapshot {
		mark = " snapshot"
	}
	fmt.Fprintf(w, "%d\t%d%s\t%s\t%d\t%s", l.Seq, l.Kind, mark, l.Time.Format(time.RFC3339Nano), l.Size, l.Preview)
}

func printStream(out *lines, log *journal.Log, id string) error {
	out.head("SEQ\tKIND\tTIME\tBYTES\tDATA")
	for e, err := range log.All(id) {
		if errors.Is(err, journal.ErrNoStream) {
			return fmt.Errorf("stream %q: there is none that is alive%s", id, didYouMean("", id, log.Streams()))
		}
		if err != nil {
			return err
		}
		form, text := preview(e.Data)
		out.print(recordLine{e.Seq, e.Kind, e.Snapshot, e.Time.UTC(), len(e.Data), e.Pos.String(), form, text})
	}
	return nil
}

// preview gives the beginning of what a record holds: JSON on one line where it is that,
// else its bytes.
func preview(data []byte) (form, text string) {
	const most = 72 // characters, so that a line is read at a glance
	var compact bytes.Buffer
	if json.Compact(&compact, data) == nil {
		form, text = "json", compact.String()
	} else {
		form, text = "hex", hex.EncodeToString(data[:min(len(data), most)])
	}
	text = strings.Map(func(r rune) rune { // a terminal obeys some of what is not seen
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return form, text
}

type checkLine struct {
	Segment string `json:"segment"`
	Records int    `json:"records"`
	Bytes   int64  `json:"bytes"`
	Sealed  bool   `json:"sealed"`
	Error   string `json:"error,omitempty"`
}

func (l checkLine) Format(w fmt.State, _ rune) {
	state := "ok"
	switch {
	case l.Error != "":
		state = l.Error
	case !l.Sealed:
		state = "ok, open or not closed"
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%s", l.Segment, l.Records, l.Bytes, state)
}

// checkJournal reads everything. Damage is an error, a torn tail is not: it was never
// acknowledged, and the next start cuts it off.
func checkJournal(out *lines, log *journal.Log) error {
	out.head("SEGMENT\tRECORDS\tBYTES\tSTATE")
	damaged, total := 0, 0
	for _, c := range log.Check() {
		line := checkLine{c.Segment, c.Records, c.Bytes, c.Sealed, ""}
		if c.Err != nil {
			line.Error = c.Err.Error()
			damaged++
		}
		total++
		out.print(line)
	}
	if damaged > 0 {
		return fmt.Errorf("%d of %d segments are damaged", damaged, total)
	}
	return nil
}
