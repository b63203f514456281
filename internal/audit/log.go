package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// An Entry is one line of the record.
type Entry struct {
	Time    time.Time      `json:"time"`
	Client  string         `json:"client"`            // the user, or the machine where nobody is asked; gridflow where nobody has called
	Part    string         `json:"part,omitempty"`    // its session, by a hash, or how it calls
	Program string         `json:"program,omitempty"` // as it says itself
	Tool    string         `json:"tool"`
	Outcome string         `json:"outcome"`         // "ok", or the code of the error
	About   map[string]any `json:"about,omitempty"` // which workbook, fork or file was named, no contents
	Changes []Change       `json:"changes,omitempty"`
}

// A Log is a file of entries. It may be used from any number of goroutines at once, and by
// several processes.
type Log struct {
	file   io.WriteCloser
	failed atomic.Uint64

	mu   sync.Mutex
	torn bool // the file ends in the midst of a line, as one had no room on the disk
}

// Open opens the record at a path, which it makes where it is not there, readable for its
// owner alone: it has the names of people and workbooks.
func Open(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the audit file: %w", err)
	}
	return &Log{file: f, torn: isTorn(path)}, nil
}

// isTorn tells whether a file ends in the midst of a line. Of what cannot be read, or is no
// file, nothing is known to be torn.
func isTorn(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Write appends an entry. It has been handed to the system when Write returns.
func (l *Log) Write(e Entry) error { return l.write(e) }

func (l *Log) write(e any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line) // ends with a line's end
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	if err == nil {
		err = l.put(line.Bytes())
	}
	if err != nil {
		l.failed.Add(1)
		return fmt.Errorf("writing the audit file: %w", err)
	}
	return nil
}

// put writes a line, in one write. Of one for which the disk had no room the beginning may be
// in the file: the next one does not go on behind it, or both would be lost.
func (l *Log) put(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.torn {
		line = append([]byte("\n"), line...)
	}
	n, err := l.file.Write(line)
	if n > 0 {
		l.torn = n < len(line)
	}
	return err
}

// Failed is the number of entries that could not be written.
func (l *Log) Failed() uint64 { return l.failed.Load() }

// Close closes the file. To close a nil Log does nothing.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
