package forks

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"unique"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
)

// kind says what a record of the journal means. The numbers are part of the format.
type kind uint8

const (
	created      kind = 1  // the line begins; Base, Workbook, Path, Label; with a payload, version 0 is the base with that edit
	edited       kind = 2  // the payload is an edit on the present content
	moved        kind = 3  // the content is that of version Of, for the reason Why
	checkpointed kind = 4  // checkpoint ID is version Of
	uncheckedOut kind = 5  // checkpoint ID is gone
	staged       kind = 6  // the payload is an edit that waits as change ID, made for version Of
	unstaged     kind = 7  // change ID is gone
	saved        kind = 8  // version Of was saved to Path, whose bytes have the hash Sum
	rebased      kind = 9  // Base is new, the payload is an edit on it
	saving       kind = 11 // version Of is about to be saved to Path, whose bytes will have the hash Sum
	recalculated kind = 12 // the present content with its formulas calculated at Calc: all of them, or those that need it
	valued       kind = 16 // the payload gives the formulas of the present content values that another program, Why, has calculated
	anchored     kind = 10 // the payload is all that the content of version Of has over its base: a place to begin from

	// The line is told again in another stream, without versions that are not kept any more.
	resumed  kind = 13 // it begins with version First, of which the payload is all that it has over Base
	brought  kind = 14 // a version of which the content has gone with its own version; the payload is all that it has over Base
	complete kind = 15 // all of it has been told; State
)

// retold are the kinds of record between resumed and complete; ofVersions those that speak of a
// version which must be there.
var (
	retold     = []kind{edited, recalculated, valued, moved, rebased, brought, anchored, staged, complete}
	ofVersions = []kind{moved, checkpointed, staged, anchored}
)

// event is the head of a record: what happened, but for the edit.
type event struct {
	Workbook string          `json:"workbook,omitempty"`
	Path     string          `json:"path,omitempty"`
	Root     string          `json:"root,omitempty"`  // of created and resumed: the absolute path of the root that Path is relative to
	Owner    string          `json:"owner,omitempty"` // of created and resumed: the principal that the line belongs to
	Base     *workspace.Base `json:"base,omitempty"`
	Label    string          `json:"label,omitempty"`
	Tool     string          `json:"tool,omitempty"`
	Why      string          `json:"why,omitempty"`
	ID       string          `json:"id,omitempty"`
	Of       uint64          `json:"of,omitempty"`
	Steps    int             `json:"steps,omitempty"` // of an undo or redo; 0 is one
	Cells    int             `json:"cells,omitempty"`
	Change   string          `json:"change,omitempty"`  // the staged change that an edit was
	Account  string          `json:"account,omitempty"` // of staged: what its maker tells of it
	Fresh    bool            `json:"fresh,omitempty"`   // of a content: no formula's value may be older than what it is computed from
	Calc     *book.Moment    `json:"calc,omitempty"`    // of a content: when its formulas were calculated, or are to be
	Whole    bool            `json:"whole,omitempty"`   // of a content: once all its formulas were calculated, not only those that depend on what was edited
	Sum      string          `json:"sum,omitempty"`
	TTL      int64           `json:"ttl_ns,omitempty"`
	From     string          `json:"from,omitempty"` // the fork, with its version, that a line begins with or was merged with

	First uint64 `json:"first,omitempty"` // of resumed
	Kind  kind   `json:"kind,omitempty"`  // of resumed and brought: how the version was made
	At    int64  `json:"at_ns,omitempty"` // of a record that is told again: when it was written first, in Unix nanoseconds
	State *state `json:"state,omitempty"` // of complete

	hold *workspace.Hold // of Base, of a rebased that is being made
}

// state is what a line has beside its versions.
type state struct {
	Created     int64             `json:"created_ns"`
	Label       string            `json:"label,omitempty"`
	Edits       int               `json:"edits"`
	Undo        []uint64          `json:"undo,omitempty"`
	Redo        []uint64          `json:"redo,omitempty"`
	Checkpoints []Checkpoint      `json:"checkpoints,omitempty"`
	Saved       map[string][]left `json:"saved,omitempty"`
	SavedAt     uint64            `json:"saved_at,omitempty"`
}

// text makes of what a caller wrote what a record can hold, so that it is the same when it is
// read again.
func text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// Reasons of a move.
const (
	whyUndo    = "undo"
	whyRedo    = "redo"
	whyRestore = "restore"
)

// encode gives the bytes of a record: the length of the head, the head as JSON, the payload.
func (e event) encode(payload []byte) []byte {
	head, err := json.Marshal(e)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	b := binary.AppendUvarint(make([]byte, 0, len(head)+len(payload)+binary.MaxVarintLen32), uint64(len(head)))
	b = append(b, head...)
	return append(b, payload...)
}

var errRecord = errors.New("the record is damaged")

// decode is encode's counterpart. The payload is part of data.
func decode(data []byte) (e event, payload []byte, err error) {
	n, k := binary.Uvarint(data)
	if k <= 0 || n > uint64(len(data)-k) {
		return e, nil, errRecord
	}
	if err := json.Unmarshal(data[k:k+int(n)], &e); err != nil {
		return e, nil, errors.Join(errRecord, err)
	}
	e.intern()
	return e, data[k+int(n):], nil
}

// intern lets the strings that a thousand forks of one workbook have alike stand in memory once.
func (e *event) intern() {
	for _, s := range []*string{&e.Workbook, &e.Path, &e.Root, &e.Owner} {
		*s = unique.Make(*s).Value()
	}
	if e.Base != nil {
		e.Base.SHA256, e.Base.Ext = unique.Make(e.Base.SHA256).Value(), unique.Make(e.Base.Ext).Value()
	}
}
