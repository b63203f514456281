package workspace

import (
	"io/fs"
	"os"
)

// A directory is a folder that is open: no path leads out of it. Many may use it at once.
type directory struct {
	*os.Root
	self *os.File // the same folder, for what os.Root cannot be asked
}

func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	self, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &directory{root, self}, nil
}

// Close closes the folder. What is open in it stays open.
func (d *directory) Close() {
	d.self.Close()
	d.Root.Close()
}

// isAt tells whether the folder is at a path, and no link to it.
func (d *directory) isAt(path string) bool {
	held, err := d.Stat(".")
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(held, now)
}

// sameFile reports whether two looks at a path saw the same bytes, as far as the file
// system tells: the same file, of the same size, not written in between.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
