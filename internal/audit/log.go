package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
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
	file   *os.File
	failed atomic.Uint64
}

// Open opens the record at a path, which it makes where it is not there, readable for its
// owner alone: it has the names of people and workbooks.
func Open(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the audit file: %w", err)
	}
	return &Log{file: f}, nil
}

// Write appends an entry. It has been handed to the system when Write returns.
func (l *Log) Write(e Entry) error { return l.write(e) }

func (l *Log) write(e any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line) // ends with a line's end
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	if err == nil {
		_, err = l.file.Write(line.Bytes())
	}
	if err != nil {
		l.failed.Add(1)
		return fmt.Errorf("writing the audit file: %w", err)
	}
	return nil
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
