package wire

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
)

// Command is the first argument of a process that is to be a worker.
const Command = "office-worker"

// FakePrefix begins the name of a program folder that is none: what follows is the script of a
// fake worker. Only a program that was built with the fake (package fake: test programs) obeys
// it; for any other it is a folder that is not there.
const FakePrefix = "fake:"

// Start is what a worker is told when it starts, as arguments of its process.
type Start struct {
	Program string // LibreOffice's program folder
	Dir     string // the worker's own folder: profile/ and tmp/ in it are its own
	Jobs    string // the folder in which jobs have folders of their own

	DataLimit int64 // bytes of RLIMIT_DATA; 0 is without
	FileLimit int64 // bytes of the largest file that it may write; 0 is without

	// Open leaves the worker the files and the privileges of its parent. Network says that it
	// may connect where its parent may.
	Open    bool
	Network bool
	// Confined is what the first stage of a worker tells the second: how its files are confined.
	Confined string
}

func (s *Start) flags() *flag.FlagSet {
	f := flag.NewFlagSet(Command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&s.Program, "program", s.Program, "")
	f.StringVar(&s.Dir, "dir", s.Dir, "")
	f.StringVar(&s.Jobs, "jobs", s.Jobs, "")
	f.Int64Var(&s.DataLimit, "data-limit", s.DataLimit, "")
	f.Int64Var(&s.FileLimit, "file-limit", s.FileLimit, "")
	f.BoolVar(&s.Open, "open", s.Open, "")
	f.BoolVar(&s.Network, "network", s.Network, "")
	f.StringVar(&s.Confined, "confined", s.Confined, "")
	return f
}

// Args are the arguments of the process, beginning with [Command].
func (s Start) Args() []string {
	args := []string{Command}
	unsaid := new(Start).flags()
	s.flags().VisitAll(func(f *flag.Flag) {
		if v := f.Value.String(); v != unsaid.Lookup(f.Name).DefValue {
			args = append(args, "-"+f.Name+"="+v)
		}
	})
	return args
}

// ParseStart reads what [Start.Args] gave. It reports false where args are not those of a
// worker at all.
func ParseStart(args []string) (s Start, ok bool, err error) {
	if len(args) == 0 || args[0] != Command {
		return s, false, nil
	}
	f := s.flags()
	if err := f.Parse(args[1:]); err != nil {
		return s, true, fmt.Errorf("%s: %w", Command, err)
	}
	if f.NArg() > 0 {
		return s, true, fmt.Errorf("%s: unexpected argument %q", Command, f.Arg(0))
	}
	return s, true, nil
}

// LineMax is how long a message may be, in bytes.
const LineMax = 32 << 20

// ErrLineTooLong is the error of [ReadLine] for more than [LineMax] bytes without an end of line.
var ErrLineTooLong = errors.New("a message of the office worker is too long")

// ReadLine gives the next line of r without its end. It holds no more than [LineMax] bytes,
// whatever comes. A last line without an end is no message: [io.ErrUnexpectedEOF].
func ReadLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > LineMax {
			return nil, ErrLineTooLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
