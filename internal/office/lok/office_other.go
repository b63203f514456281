//go:build !linux || !(amd64 || arm64) || nooffice

package lok

// An Office is LibreOffice, started in this process. This build cannot do that.
type Office struct{}

// A Document is one that LibreOffice has loaded. There is none in this build.
type Document struct{}

// A Tile is a rectangle of pixels on a sheet that is shown at a zoom.
type Tile struct{ X, Y, Width, Height int }

var errNotInBuild = &Error{Op: "start", Message: "this build of the program cannot load LibreOffice: it does so on Linux, on amd64 and arm64, without the build tag nooffice"}

// Open fails: this build cannot load LibreOffice.
func Open(Program, string) (*Office, error) { return nil, errNotInBuild }

func (f *Office) Version() (string, error)               { return "", errNotInBuild }
func (f *Office) Load(string) (*Document, error)         { return nil, errNotInBuild }
func (d *Document) Close() error                         { return errNotInBuild }
func (d *Document) Spreadsheet() (bool, error)           { return false, errNotInBuild }
func (d *Document) Save(path, format, opts string) error { return errNotInBuild }
func (d *Document) Sheets() ([]string, error)            { return nil, errNotInBuild }
func (d *Document) Hidden(int) (bool, error)             { return false, errNotInBuild }
func (d *Document) Show(int) error                       { return errNotInBuild }
func (d *Document) Geometry() (*Geometry, error)         { return nil, errNotInBuild }
func (d *Document) Paint(Tile, Zoom, []byte) error       { return errNotInBuild }
