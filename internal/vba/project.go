package vba

import "strings"

// The bounds of what is read.
const (
	MaxBytes       = 20 << 20 // of a project
	MaxModules     = 4096
	MaxReferences  = 4096
	MaxSourceBytes = 8 << 20 // of a module's source, before it is decoded
	maxDirBytes    = 4 << 20 // of the unpacked stream that lists modules and references
)

// Project is the VBA project of a workbook. It does not change and may be used from any
// number of goroutines at once; it keeps the bytes that it was opened from.
type Project struct {
	Name       string
	CodePage   uint16 // the number of the character encoding that names and source are stored in
	SysKind    SysKind
	Modules    []Module
	References []Reference

	file   *compound
	folder string // path of the storage with the modules' streams
}

// SysKind is the platform for which a project was saved.
type SysKind string

// The platforms.
const (
	Win16      SysKind = "win16"
	Win32      SysKind = "win32"
	Macintosh  SysKind = "macos"
	Win64      SysKind = "win64"
	UnknownSys SysKind = "unknown"
)

// ModuleType tells modules apart.
type ModuleType string

// The types of module.
const (
	Procedural     ModuleType = "procedural"       // a standard module
	DocClsDesigner ModuleType = "doc_cls_designer" // of the workbook, a sheet, a class or a form
)

// Module is one module of a project.
type Module struct {
	Name        string
	StreamName  string // of the stream in the compound file that holds it
	DocString   string
	TextOffset  uint32 // where in the stream the compressed source begins; compiled code stands before it
	HelpContext uint32
	Type        ModuleType
	ReadOnly    bool
	Private     bool
}

// ReferenceKind tells references apart.
type ReferenceKind string

// The kinds of reference.
const (
	ControlReference    ReferenceKind = "control"    // to a library of controls, which has been adapted
	OriginalReference   ReferenceKind = "original"   // to the library that such a one was made from, alone
	RegisteredReference ReferenceKind = "registered" // to a type library
	ProjectReference    ReferenceKind = "project"    // to another VBA project
)

// Reference is a library or project that a project uses.
type Reference struct {
	Name  string // may be ""
	Kind  ReferenceKind
	Debug string // its library ids and versions on one line, as they are stored
}

// Open reads the list of modules and references of the project in data, the content of
// vbaProject.bin, which must not change afterwards. Errors are of type *Error.
func Open(data []byte) (*Project, error) {
	if len(data) > MaxBytes {
		return nil, tooLarge("", "it has %d bytes; the limit is %d MiB", len(data), MaxBytes>>20)
	}
	file, err := openCompound(data)
	if err != nil {
		return nil, err
	}
	p := &Project{file: file}
	if err := p.findFolder(); err != nil {
		return nil, err
	}
	path := p.folder + "/dir"
	packed, err := file.read(path)
	if err != nil {
		return nil, err
	}
	dir, fault := decompress(packed, maxDirBytes)
	if fault == nil {
		fault = p.readDir(dir)
	}
	if fault != nil {
		fault.Stream = path
		return nil, fault
	}
	return p, nil
}

// findFolder finds the storage with the stream that lists the modules: "VBA" in the
// root, or in a storage of another name where a document of another kind was embedded.
func (p *Project) findFolder() error {
	for key := range p.file.streams {
		folder, isDir := strings.CutSuffix(key, "/dir")
		if !isDir || folder != "vba" && !strings.HasSuffix(folder, "/vba") {
			continue
		}
		if p.folder == "" || len(folder) < len(p.folder) || len(folder) == len(p.folder) && folder < p.folder {
			p.folder = folder
		}
	}
	if p.folder == "" {
		return damaged("", "it has no stream VBA/dir, which lists the modules")
	}
	return nil
}

// Module gives the module of that name, ignoring case, or nil.
func (p *Project) Module(name string) *Module {
	for i := range p.Modules {
		if strings.EqualFold(p.Modules[i].Name, name) {
			return &p.Modules[i]
		}
	}
	return nil
}

// Source gives the text of a module of p as it is stored: lines end with CR LF, and the
// attributes stand before the code. Errors are of type *Error.
func (p *Project) Source(m *Module) (string, error) {
	path := p.folder + "/" + m.StreamName
	b, err := p.file.read(path)
	if err != nil {
		return "", err
	}
	if int64(m.TextOffset) > int64(len(b)) {
		return "", damaged(path, "its source is said to begin at byte %d, but it has %d bytes", m.TextOffset, len(b))
	}
	text, fault := decompress(b[m.TextOffset:], MaxSourceBytes)
	if fault != nil {
		fault.Stream = path
		return "", fault
	}
	return decode(text, p.CodePage), nil
}
