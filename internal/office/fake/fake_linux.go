package fake

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gridflow/internal/office/wire"
)

func init() {
	start, ok, err := wire.ParseStart(os.Args[1:])
	if !ok || err != nil {
		return
	}
	if text, ok := strings.CutPrefix(start.Program, wire.FakePrefix); ok {
		os.Exit(run(parseScript(text)))
	}
}

// A worker is a fake one.
type worker struct {
	script  script // what the folder said
	answers *os.File
	grown   int64
}

// rss is what a fake says that it has to begin with.
const rss = 150 << 20

func run(s script) int {
	w := &worker{script: s, answers: os.NewFile(wire.ResponseFD, "responses")}
	s.delay("start-")
	hello := wire.Hello{Version: "25.2.3.2", Usage: wire.Usage{RSS: rss}}
	if v, ok := s["version"]; ok {
		hello.Version = v
	}
	if _, ok := s["start-hang"]; ok {
		hang()
	}
	if code, ok := s["start-exit"]; ok {
		fmt.Fprintln(os.Stderr, "the fake was told to end")
		return number(code)
	}
	if _, ok := s["start-garbage"]; ok {
		fmt.Fprintln(w.answers, "LibreOffice 25.2 is starting…")
		hang()
	}
	if _, ok := s["start-fail"]; ok {
		hello.Failure = &wire.Failure{Code: wire.NotInstalled, Message: "the fake was told not to start"}
		w.say(hello)
		return 3
	}
	w.say(hello)

	// A job that hangs keeps the loop from seeing the end of the pipe; all others are short.
	in := bufio.NewReader(os.NewFile(wire.RequestFD, "requests"))
	for {
		line, err := wire.ReadLine(in)
		if err != nil {
			return 0
		}
		var r wire.Request
		if err := json.Unmarshal(line, &r); err != nil {
			return 4
		}
		w.do(r)
	}
}

func (w *worker) say(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	if _, err := w.answers.Write(append(line, '\n')); err != nil {
		os.Exit(0) // the parent is gone
	}
}

// do does one job as it is told to.
func (w *worker) do(r wire.Request) {
	began := time.Now()
	response := wire.Response{ID: r.ID}
	s := w.script
	var d document
	if r.Op != wire.Ping {
		var err error
		if d, err = readDocument(r.In); err != nil {
			response.Failure = &wire.Failure{Code: wire.BadRequest, Message: err.Error()}
		}
		if d.script != nil {
			s = d.script
		}
	}
	s.delay("")
	for word, value := range s {
		switch word {
		case "hang":
			hang()
		case "exit":
			os.Exit(number(value))
		case "segv":
			die(syscall.SIGSEGV)
		case "kill":
			die(syscall.SIGKILL)
		case "garbage":
			fmt.Fprintln(w.answers, "warn:legacy.osl:12:1: what LibreOffice prints")
			return
		case "endless":
			for {
				if _, err := w.answers.WriteString(strings.Repeat("x", 1<<16)); err != nil {
					os.Exit(0)
				}
			}
		case "wrongid":
			response.ID += 7
		case "fail":
			response.Failure = &wire.Failure{Code: wire.Code(value), Message: "the fake was told to fail"}
		case "spawn":
			spawn(value)
		case "grow":
			w.grown += int64(number(value))
		}
	}
	if _, ok := s["nofile"]; !ok && response.Failure == nil && r.Op != wire.Ping {
		response.Picture, response.Failure = w.write(r, d, s["file"])
	}
	response.Sheets = d.sheets
	response.Usage = wire.Usage{Wall: time.Since(began).Microseconds(), CPU: 1000, RSS: rss + w.grown}
	w.say(response)
	if _, ok := s["twice"]; ok {
		w.say(response)
	}
}

// write writes what the job is for.
func (w *worker) write(r wire.Request, d document, file string) (*wire.Picture, *wire.Failure) {
	out := d.content
	var p *wire.Picture
	switch {
	case file != "":
		var err error
		if out, err = os.ReadFile(file); err != nil {
			return nil, &wire.Failure{Code: wire.NotWritten, Message: err.Error()}
		}
	case r.Op == wire.Paint:
		if r.Sheet < 0 || r.Sheet >= len(d.sheets) || d.hidden[r.Sheet] {
			return nil, &wire.Failure{Code: wire.NoSheet, Message: "there is no such sheet, or it is hidden"}
		}
		p = picture(r.Range, r.Scale)
		if r.MaxPixels > 0 && p.Width*p.Height > r.MaxPixels {
			return &wire.Picture{Width: p.Width, Height: p.Height}, &wire.Failure{Code: wire.TooLarge, Message: "the picture would be too large"}
		}
		out = pixels(p, r.Sheet, r.Range)
	case r.Op == wire.Convert && r.Format == "pdf":
		out = []byte("%PDF-1.7\n% of the fake\n%%EOF\n")
	}
	if err := os.WriteFile(r.Out, out, 0o600); err != nil {
		return nil, &wire.Failure{Code: wire.NotWritten, Message: err.Error()}
	}
	return p, nil
}

// delay waits as the words slow and wait say.
func (s script) delay(prefix string) {
	if text, ok := s[prefix+"slow"]; ok {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		time.Sleep(d)
	}
	if fifo, ok := s[prefix+"wait"]; ok {
		f, err := os.Open(fifo) // returns when another opens it for writing
		if err != nil {
			panic(err)
		}
		f.Close()
	}
}

// hang stays for ever, whatever happens to the pipes.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// spawn starts a child in the same group that does not end by itself.
func spawn(file string) {
	c := exec.Command("/proc/self/exe", wire.Start{Program: wire.FakePrefix + "start-hang"}.Args()...)
	if err := c.Start(); err != nil {
		panic(err)
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(c.Process.Pid)), 0o600); err != nil {
		panic(err)
	}
}

// die ends the process by a signal. The sender returns before the signal has come.
func die(s syscall.Signal) {
	_ = syscall.Kill(os.Getpid(), s)
	hang()
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}
