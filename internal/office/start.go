package office

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
)

// Finder gives what [Options].Find wants for a setting: "auto" for the LibreOffice that is
// where one usually is, "off" for none, else its program folder.
func Finder(setting string) func() (Installed, error) {
	switch {
	case setting == "off":
		return func() (Installed, error) {
			return Installed{}, &Error{Code: CodeUnavailable, Message: "LibreOffice is switched off on this server", Hint: "The operator can allow it with --office"}
		}
	case setting == "auto":
		setting = ""
	case strings.HasPrefix(setting, wire.FakePrefix): // which test programs know
		return func() (Installed, error) { return Installed{Program: setting, Stamp: setting}, nil }
	}
	return func() (Installed, error) {
		found, err := lok.Find(setting)
		if err != nil {
			return Installed{}, err
		}
		info, err := os.Stat(found.Library)
		if err != nil {
			return Installed{}, err
		}
		return Installed{Program: found.Dir, Stamp: fmt.Sprint(found.Library, " ", info.Size(), " ", info.ModTime().UnixNano())}, nil
	}
}

// LibreOffice starts workers that have LibreOffice loaded, as processes of this program.
type LibreOffice struct {
	// DataLimit gives the most memory that a worker may have, in bytes; nil: there is no bound.
	DataLimit func() int64
}

// Start implements [Starter].
func (l LibreOffice) Start(ctx context.Context, at Place) (Worker, error) {
	o := worker.Options{Program: at.Program, Dir: at.Dir, Jobs: at.Jobs}
	if l.DataLimit != nil {
		o.DataLimit = l.DataLimit()
	}
	p, err := worker.Start(ctx, o)
	if err != nil {
		var missing *lok.NotFoundError
		var start *worker.StartError
		if errors.As(err, &missing) || errors.As(err, &start) && start.Failure != nil && start.Failure.Code == wire.NotInstalled {
			return nil, notInstalled(err)
		}
		return nil, err
	}
	return process{p}, nil
}

func notInstalled(cause error) *Error {
	message := fmt.Sprintf("there is no LibreOffice: %v", cause)
	if missing := new(lok.NotFoundError); errors.As(cause, &missing) {
		message = missing.Error()
	}
	return &Error{
		Code: CodeUnavailable, Message: message, Cause: cause,
		Hint: "The operator can install it (Debian: libreoffice-calc-nogui) while the server runs. What needs no LibreOffice works",
	}
}

// process is a worker's process as a [Worker].
type process struct{ *worker.Process }

func (p process) Exit() Exit {
	e := p.Process.Exit()
	if e == nil {
		return Exit{}
	}
	return Exit{What: e.Error(), OutOfMemory: e.Cause == worker.Memory, Protocol: e.Cause == worker.Protocol, NoOutput: e.Cause == worker.NoOutput, Said: e.Printed}
}
