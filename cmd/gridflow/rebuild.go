package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"gridflow/internal/forks"
	"gridflow/internal/journal"
	"gridflow/internal/vfs"
	"gridflow/internal/workspace"
)

// stateReader reads the forks of a state folder, whether a server has it or none. It takes
// no lock and changes nothing.
type stateReader struct {
	store *forks.Store
	ws    *workspace.Workspace
	dir   io.Closer
	bases string
}

func openState(ctx context.Context, state string) (*stateReader, error) {
	bases := filepath.Join(state, "bases")
	for _, name := range []string{bases, filepath.Join(state, "journal")} {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%q is no state folder: it has no folder %s", state, filepath.Base(name))
		}
	}
	dir, err := vfs.OpenOS(state)
	if err != nil {
		return nil, err
	}
	log, err := journal.Open(dir, "journal", journal.Options{ReadOnly: true})
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	quiet := slog.New(slog.DiscardHandler)
	ws, err := workspace.Open(ctx, workspace.Options{Roots: []string{bases}, Bases: bases, BasesRead: true, Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, log.Close(), dir.Close())
	}
	store, err := forks.Open(ctx, forks.Options{Bases: ws, Journal: log, ReadOnly: true, Logger: quiet})
	if err != nil {
		ws.Shut()
		return nil, errors.Join(err, log.Close(), dir.Close())
	}
	return &stateReader{store, ws, dir, bases}, nil
}

func (s *stateReader) close() error {
	err := s.store.Close(context.Background())
	s.ws.Shut()
	return errors.Join(err, s.dir.Close())
}

// sound tells what is wrong with the kept file of a base, if anything is.
func (s *stateReader) sound(b workspace.Base) error {
	f, err := os.Open(filepath.Join(s.bases, b.SHA256+b.Ext))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the base %s is not there", b.SHA256)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != b.SHA256 {
		return fmt.Errorf("the base %s is damaged: its bytes have the hash %s", b.SHA256, sum)
	}
	return nil
}

// soundBases is sound for all bases that a fork stands on.
func (s *stateReader) soundBases(ctx context.Context, id string) error {
	bases, err := s.store.BasesOf(ctx, id)
	if err != nil {
		return err
	}
	for _, b := range bases {
		if err := s.sound(b); err != nil {
			return err
		}
	}
	return nil
}

// replay makes all versions of one fork, or of all, again and checks them.
func (p *program) replay(ctx context.Context, args []string) (err error) {
	var asJSON bool
	_, rest, err := configure("journal", args, p.lookupEnv, setting{name: "json", flag: true, allowed: "true or false", set: boolean(&asJSON)})
	switch {
	case err != nil:
		return err
	case len(rest) == 0:
		return usagef("replay what? give a state folder")
	case len(rest) > 2:
		return usagef("replay takes a state folder and a fork, got %q as well", rest[2])
	}
	s, err := openState(ctx, rest[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var ids []string
	for _, i := range s.store.List(ctx) {
		ids = append(ids, i.ID)
	}
	if len(rest) == 2 {
		ids = rest[1:]
	}
	out := lines{json: json.NewEncoder(p.stdout), table: tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0), asJSON: asJSON}
	out.json.SetEscapeHTML(false)
	out.head("FORK\tWORKBOOK\tVERSION\tEDITS\tCELLS\tWHOLE\tSTATE")
	damaged := 0
	for _, id := range ids {
		line := replayLine{Fork: id}
		wrong := s.soundBases(ctx, id)
		if wrong == nil {
			var r forks.Replay
			r, wrong = s.store.Replay(ctx, id)
			line = replayLine{id, r.Path, r.Version, r.Edits, r.Cells, r.Anchors, ""}
		}
		if wrong != nil {
			line.Error = wrong.Error()
			damaged++
		}
		out.print(line)
	}
	err = out.close()
	if damaged > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d forks cannot be made again", damaged, len(ids)))
	}
	if n := s.store.Unread(); n > 0 && len(rest) == 1 {
		err = errors.Join(err, fmt.Errorf("%d streams of the journal cannot be read as forks; see gridflow journal --check", n))
	}
	return err
}

type replayLine struct {
	Fork     string `json:"fork"`
	Workbook string `json:"workbook"`
	Version  uint64 `json:"version"`
	Edits    int    `json:"edits"`
	Cells    int    `json:"cells"`
	Whole    int    `json:"whole"`
	Error    string `json:"error,omitempty"`
}

func (l replayLine) Format(w fmt.State, _ rune) {
	state := "ok"
	if l.Error != "" {
		state = l.Error
	}
	fmt.Fprintf(w, "%s\t%q\t%d\t%d\t%d\t%d\t%s", l.Fork, l.Workbook, l.Version, l.Edits, l.Cells, l.Whole, state)
}

// rebuild writes the workbook that a fork had at a version, from the state folder alone.
func (p *program) rebuild(ctx context.Context, args []string) (err error) {
	var asJSON bool
	_, rest, err := configure("journal", args, p.lookupEnv, setting{name: "json", flag: true, allowed: "true or false", set: boolean(&asJSON)})
	switch {
	case err != nil:
		return err
	case len(rest) != 3:
		return usagef("rebuild takes a state folder, a fork and the file to write")
	}
	s, err := openState(ctx, rest[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	id, name := rest[1], rest[2]
	if err := s.soundBases(ctx, id); err != nil {
		return err
	}
	info, err := s.store.Info(ctx, id)
	if err != nil {
		return err
	}
	if ext := strings.ToLower(filepath.Ext(name)); ext != info.Base.Ext {
		return usagef("the fork was made of a %s file and is written as one, not as %q", info.Base.Ext, name)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	made, err := s.store.WriteTo(ctx, id, f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, os.Remove(name)) // half a workbook is none
	}
	line := rebuiltLine{info.ID, made.Version, info.Path, made.Base.SHA256, made.Cells, name, made.Bytes, made.SHA256, made.SavedTo, made.Warnings}
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(line)
	}
	_, err = fmt.Fprintf(p.stdout, "%v\n", line)
	return err
}

type rebuiltLine struct {
	Fork     string   `json:"fork"`
	Version  uint64   `json:"version"`
	Workbook string   `json:"workbook"`
	Base     string   `json:"base_sha256"`
	Cells    int      `json:"cells"`
	File     string   `json:"file"`
	Bytes    int64    `json:"bytes"`
	SHA256   string   `json:"sha256"`
	SavedTo  string   `json:"saved_to,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (l rebuiltLine) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "%s: %s@%d, %d cells over the base %s\nsha256 %s, %d bytes", l.File, l.Fork, l.Version, l.Cells, l.Base, l.SHA256, l.Bytes)
	if l.SavedTo != "" {
		fmt.Fprintf(w, ", as it was saved to %s", l.SavedTo)
	}
	for _, warning := range l.Warnings {
		fmt.Fprintf(w, "\nwarning: %s", warning)
	}
}
