package lok

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	program := filepath.Join(root, "program")
	if err := os.Mkdir(program, 0o755); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if p, err := Find(root); !errors.As(err, &missing) || len(missing.Tried) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	library := filepath.Join(program, "libmergedlo.so")
	if err := os.Mkdir(library, 0o755); err != nil { // a folder is no library
		t.Fatal(err)
	}
	if p, err := Find(root); err == nil {
		t.Errorf("%+v", p)
	}
	app := filepath.Join(program, "libsofficeapp.so")
	if err := os.WriteFile(app, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{root, program} {
		if p, err := Find(given); err != nil || p != (Program{Dir: program, Library: app}) {
			t.Errorf("Find(%s) = %+v, %v", given, p, err)
		}
	}
}
