package xlsx

import (
	"bytes"
	"image"
	_ "image/gif" // their sizes are read
	_ "image/jpeg"
	_ "image/png"
	"path"
	"strings"
)

// headBytes is how much of a picture is read to find out how large it is; a JPEG may have a small
// picture of itself before that.
const headBytes = 256 << 10

// measured gives the format of a picture and its size in pixels, 0 where that is not known.
func (f *File) measured(part *Part) (format string, width, height int) {
	format = strings.ToLower(strings.TrimPrefix(path.Ext(part.Name), "."))
	if format == "jpg" {
		format = "jpeg"
	}
	c, err := f.pkg.Open(part)
	if err != nil {
		return format, 0, 0
	}
	head := make([]byte, min(part.Bytes, headBytes))
	n := 0
	for n < len(head) {
		k, err := c.Read(head[n:])
		if n += k; err != nil {
			break
		}
	}
	if is, w, h, ok := Picture(head[:n]); ok {
		return is, w, h
	}
	return format, 0, 0
}

// Picture gives the format of a picture, "png", "jpeg" or "gif", and its size in pixels; ok is false for
// what is none of these. The beginning of it is enough.
func Picture(b []byte) (format string, width, height int, ok bool) {
	c, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return "", 0, 0, false
	}
	return format, c.Width, c.Height, true
}
