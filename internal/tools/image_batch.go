package tools

import (
	"context"
	"encoding/base64"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

type imageOp struct {
	Kind   string `json:"kind" required:"true" enum:"insert|replace|remove"`
	Sheet  string `json:"sheet_name" required:"true"`
	ID     string `json:"object_id" doc:"For replace and remove: of list_objects"`
	Path   string `json:"path" doc:"For insert and replace: a PNG, JPEG or GIF file of a served folder"`
	Data   string `json:"data_base64" doc:"In place of path: the picture itself"`
	Anchor string `json:"anchor" doc:"For insert: the cell of its upper left corner"`
	Width  int    `json:"width_px" min:"1" max:"20000" doc:"That of the picture unless given; with one of both the other follows"`
	Height int    `json:"height_px" min:"1" max:"20000"`
	Name   string `json:"name"`
	Text   string `json:"alt_text" doc:"What it shows, for who does not see it"`
}

type imageBatchIn struct {
	ForkArg
	Ops []imageOp `json:"ops" required:"true" min:"1" max:"50"`
	EditMode
	Guard
}

// Reader is where tools read files that are no workbooks; *workspace.Workspace is it.
type Reader interface {
	ReadFile(ctx context.Context, path string, limit int64) ([]byte, error)
}

var imageBatch = define(Spec{
	Name: "image_batch", Title: "Put pictures on sheets", Toolset: "edit", Writes: true, Reach: ReachBook,
	Description: "Puts PNG, JPEG and GIF pictures on the sheets of a fork, replaces pictures by others, and removes them. list_objects tells of pictures and shows one.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"insert","sheet_name":"Sheet1","path":"logo.png","anchor":"E2","width_px":120,"alt_text":"The logo"}]}`,
}, func(ctx context.Context, env *Env, in imageBatchIn) (*objectBatchOut, error) {
	// The pictures are read once, whatever comes between.
	pictures := make([][]byte, len(in.Ops))
	for i := range in.Ops {
		if in.Ops[i].Kind == "remove" {
			continue
		}
		var err error
		if pictures[i], err = env.picture(ctx, &in.Ops[i]); err != nil {
			return nil, inOperation(MapError(err), i, len(in.Ops))
		}
	}
	var added []objectAt
	made, err := env.batch(ctx, in.Fork, "image_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		if i == 0 {
			added = nil
		}
		op := &in.Ops[i]
		b.begin("image_" + op.Kind)
		index, err := sheetNamed(b.snap, op.Sheet)
		if err != nil {
			return err
		}
		if op.Kind == "remove" {
			return b.removeObject(index, op.ID, grid.ImageObject)
		}
		if err := b.takesObjects(); err != nil {
			return err
		}
		change := book.ArrangeObjects{Sheet: b.snap.Workbook().Sheets[index].Name}
		n := book.NewObject{Name: clip(op.Name, objectTextMax), Text: clip(op.Text, objectTextMax), Image: pictures[i]}
		var ok bool
		if n.Format, n.Width, n.Height, ok = xlsx.Picture(pictures[i]); !ok {
			return notAPicture()
		}
		if op.Kind == "replace" {
			old, err := b.object(index, op.ID, grid.ImageObject)
			if err != nil {
				return err
			}
			if old.Grouped || old.Anchor.Free {
				return invalid("Do it in a spreadsheet program", "the picture %q is a part of a group, or lies at no cell", clip(op.ID, 64))
			}
			if n.Anchor, err = b.placeOf(index, old); err != nil {
				return err
			}
			if n.Name == "" {
				n.Name = old.Name
			}
			if n.Text == "" {
				n.Text = old.Text
			}
			change.Remove = []string{old.ID}
			b.counts["images_replaced"]++
		} else {
			at, ok := cell.ParseRef(op.Anchor)
			if !ok {
				return fail(codeRangeInvalid, "Write one cell, such as E2", "%q is no cell", clip(op.Anchor, 20))
			}
			n.Anchor.Cell = at.String()
			b.counts["images_inserted"]++
		}
		sizePicture(&n, op)
		if err := b.named(index, &n, "Picture"); err != nil {
			return err
		}
		change.Add = []book.NewObject{n}
		added = append(added, objectAt{n.ID, n.Name, change.Sheet, n.Anchor.Cell})
		return b.do(change)
	})
	if err != nil {
		return nil, err
	}
	return &objectBatchOut{*made, append([]objectAt{}, added...)}, nil
})

func notAPicture() error {
	return fail("BAD_OBJECT", "Give a PNG, JPEG or GIF picture", "what was given is no picture that can be put into a workbook")
}

// picture gives the picture that an operation names.
func (e *Env) picture(ctx context.Context, op *imageOp) (b []byte, err error) {
	if (op.Path == "") == (op.Data == "") {
		return nil, invalid(`Example: "path":"logo.png"`, "give path or data_base64, and not both")
	}
	if op.Path != "" {
		r, ok := e.Files.(Reader)
		if !ok {
			return nil, fail("NOT_CONFIGURED", "Give the picture as data_base64", "this server reads no files but workbooks")
		}
		if b, err = r.ReadFile(ctx, op.Path, book.MaxImage); err != nil {
			return nil, err
		}
	} else {
		text := strings.TrimSpace(op.Data)
		if i := strings.Index(text, "base64,"); i >= 0 && strings.HasPrefix(text, "data:") {
			text = text[i+len("base64,"):]
		}
		if base64.StdEncoding.DecodedLen(len(text)) > book.MaxImage+3 {
			return nil, fail("TOO_LONG", "Make the picture smaller first, or put it into a served folder and give its path", "the picture has more than %d bytes", book.MaxImage)
		}
		if b, err = base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "", " ", "").Replace(text)); err != nil {
			return nil, invalid("Encode the bytes of the picture as standard base64", "data_base64 is not base64: %v", err)
		}
	}
	if _, _, _, ok := xlsx.Picture(b); !ok {
		return nil, notAPicture()
	}
	return b, nil
}

// sizePicture says how large a picture is shown: as it is, as the place has it that it gets, or as it was asked for.
func sizePicture(n *book.NewObject, op *imageOp) {
	a := &n.Anchor
	width, height := float64(op.Width), float64(op.Height)
	switch {
	case op.Width > 0 && op.Height > 0:
	case op.Width > 0:
		height = max(1, width*float64(n.Height)/float64(n.Width))
	case op.Height > 0:
		width = max(1, height*float64(n.Width)/float64(n.Height))
	case a.Width > 0:
		return
	default:
		width, height = float64(n.Width), float64(n.Height)
	}
	a.Width, a.Height = int64(width*grid.EMUPerPixel), int64(height*grid.EMUPerPixel)
}

// placeOf gives the place of an object. Where the file says it by two corners, the size is that of the cells
// between them.
func (b *batch) placeOf(sheet int, o *grid.Object) (p book.ObjectPlace, err error) {
	a := o.Anchor
	p = book.ObjectPlace{Cell: a.From.String(), X: max(a.FromX, 0), Y: max(a.FromY, 0), Width: a.Width, Height: a.Height}
	if a.Width > 0 && a.Height > 0 {
		return p, nil
	}
	s, err := b.snap.Sheet(b.ctx, sheet)
	if err != nil {
		return p, err
	}
	p.Width, p.Height = a.ToX-a.FromX, a.ToY-a.FromY
	for col := a.From.Col; col < a.To.Col; col++ {
		p.Width += columnPixels(s.Layout, col) * grid.EMUPerPixel
	}
	m := measureOf(s.Layout, 1)
	for row := a.From.Row; row < a.To.Row; row++ {
		p.Height += int64(m.row(row) * grid.EMUPerPixel)
	}
	p.Width, p.Height = max(p.Width, grid.EMUPerPixel), max(p.Height, grid.EMUPerPixel)
	return p, nil
}

// columnPixels is how wide a column is, whose digits are 7 pixels wide (ECMA-376 part 1, 18.3.1.13).
func columnPixels(l *grid.Layout, col int) int64 {
	width := l.DefaultColumnWidth
	if s, ok := l.Column(col); ok {
		if s.Hidden {
			return 0
		}
		if s.Width > 0 {
			width = s.Width
		}
	}
	if width == 0 {
		return 64
	}
	return int64((256*width + 18) / 256 * 7)
}
