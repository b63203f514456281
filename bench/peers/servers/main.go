// Command servers measures gridflow side by side with other MCP servers for spreadsheets,
// and with the libraries that scripts are written with, in one run on one machine, and
// prints Markdown tables.
//
//	cd bench/peers && go run ./servers -books DIR -tools DIR [-peers gridflow,negokaz] [-rows start,cold] [-only-books W1]
//
// -tools names a folder that servers/install.sh has filled; what is not there is left out,
// and the report says so. Each peer has a folder with copies of the workbooks of its own.
// Servers are asked as hosts ask them: over stdio by one client, and by 32 over HTTP where
// they serve it, else by a process for each. All of it is in one run, one after the other,
// so that ratios mean something on a busy machine too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/load"
)

// A server is an MCP server that is compared.
type server struct {
	Name    string   `yaml:"name"`
	Version []string `yaml:"version"`
	Stdio   []string `yaml:"stdio"`
	HTTP    []string `yaml:"http"`    // none: it serves stdio only
	Book    string   `yaml:"book"`    // how a workbook is named
	Edits   string   `yaml:"edits"`   // "file": an edit is written to the file at once
	Dialect string   `yaml:"dialect"` // a file of bench/load/dialects; "": gridflow's own

	dialect *load.Dialect
	vars    *strings.Replacer
	root    string
}

// A script is a library with a script of ours around it.
type script struct {
	Name    string   `yaml:"name"`
	Version []string `yaml:"version"`
	Command []string `yaml:"command"`

	vars *strings.Replacer
	root string
}

type peers struct {
	Servers []*server `yaml:"servers"`
	Scripts []*script `yaml:"scripts"`
}

// A book is one of the benchmark workbooks, and where in it there is what to look for.
type book struct {
	name, sheet   string
	rows, columns int
	cell          string // that is edited
}

var (
	large = book{"W2", "Data", 1_000_000, 10, "B7"}
	mixed = book{"W1", "Data", 100_000, 10, "B7"}
	calc  = book{"W4", "Lines", 25_000, 6, "A7"}
	small = book{"W5", "Team 1", 40, 8, "B30"}
)

type options struct {
	books, tools, names, rows string
	each                      time.Duration // how long one figure may take
	runs                      int
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "excelize" {
		exitOn(excelizePeer(os.Args[2:]))
		return
	}
	var o options
	flag.StringVar(&o.books, "books", "", "folder with W1.xlsx … W5.xlsx (see bench/gen)")
	flag.StringVar(&o.tools, "tools", "", "folder that servers/install.sh has filled")
	flag.StringVar(&o.names, "peers", "", "peers besides gridflow, separated by commas (default all)")
	flag.StringVar(&o.rows, "rows", "", "rows to measure, separated by commas (default all)")
	flag.DurationVar(&o.each, "each", 2*time.Minute, "how long one figure may take until it is given up")
	flag.IntVar(&o.runs, "runs", 3, "how often what begins with a new process is measured")
	flag.Parse()
	exitOn(compare(o))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func compare(o options) error {
	if o.books == "" {
		return errors.New("say where the workbooks are: -books DIR; go run ./bench/gen -out DIR makes them")
	}
	if _, err := os.Stat("servers/peers.yaml"); err != nil {
		return errors.New("run this in bench/peers")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	sandbox, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(sandbox)
	all, skipped, err := prepare(o, sandbox)
	if err != nil {
		return err
	}
	fmt.Printf("%s/%s, %d processors, %s, %s. Medians of %d where a new process is measured; – means that it has no such thing.\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2 January 2006 15:04 MST"), o.runs)
	var names []string
	for _, s := range all.Servers {
		names = append(names, s.Name+" "+version(s.Version, s.vars))
	}
	for _, s := range all.Scripts {
		names = append(names, s.Name+" "+version(s.Version, s.vars))
	}
	fmt.Printf("%s\n\n", strings.Join(names, "; "))
	for _, s := range skipped {
		fmt.Println("Not measured:", s)
	}
	t := &table{options: o, peers: all}
	t.measure(ctx)
	return nil
}

// prepare reads the list of peers, leaves out what is not here, and gives each its folder.
func prepare(o options, sandbox string) (all peers, skipped []string, err error) {
	text, err := os.ReadFile("servers/peers.yaml")
	if err != nil {
		return all, nil, err
	}
	if err := yaml.Unmarshal(text, &all); err != nil {
		return all, nil, err
	}
	gridflow := filepath.Join(sandbox, "gridflow-program")
	build := exec.Command("go", "build", "-o", gridflow, "./cmd/gridflow")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return all, nil, fmt.Errorf("building gridflow: %w: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return all, nil, err
	}
	scripts, err := filepath.Abs("servers/scripts")
	if err != nil {
		return all, nil, err
	}
	tools := o.tools
	if tools != "" {
		if tools, err = filepath.Abs(tools); err != nil {
			return all, nil, err
		}
	}
	vars := func(name string) (*strings.Replacer, string, error) {
		root := filepath.Join(sandbox, name)
		for _, b := range []book{large, mixed, calc, small} {
			if err := copyFile(filepath.Join(o.books, b.name+".xlsx"), filepath.Join(root, b.name+".xlsx")); err != nil {
				return nil, "", err
			}
		}
		return strings.NewReplacer("{gridflow}", gridflow, "{self}", self, "{scripts}", scripts, "{tools}", tools,
			"{root}", root, "{state}", filepath.Join(sandbox, name+"-state")), root, nil
	}
	wanted := func(name string) bool {
		return o.names == "" || name == "gridflow" || slices.Contains(strings.Split(o.names, ","), name)
	}
	here := func(command []string, r *strings.Replacer) error {
		for i, part := range command {
			if i == 0 || strings.Contains(part, "{tools}") {
				if _, err := exec.LookPath(r.Replace(part)); err != nil {
					if info, serr := os.Stat(r.Replace(part)); serr != nil || !info.IsDir() {
						return err
					}
				}
			}
		}
		return nil
	}
	all.Servers = slices.DeleteFunc(all.Servers, func(s *server) bool {
		if err != nil || !wanted(s.Name) {
			return true
		}
		if s.vars, s.root, err = vars(s.Name); err != nil {
			return true
		}
		if missing := here(s.Stdio, s.vars); missing != nil {
			skipped = append(skipped, fmt.Sprintf("%s: %v", s.Name, missing))
			return true
		}
		if s.Dialect == "" {
			s.dialect = load.Gridflow()
			return false
		}
		var f *os.File
		if f, err = os.Open(filepath.Join("../load/dialects", s.Dialect)); err != nil {
			return true
		}
		defer f.Close()
		s.dialect, err = load.ReadDialect(f)
		return err != nil
	})
	all.Scripts = slices.DeleteFunc(all.Scripts, func(s *script) bool {
		if err != nil || !wanted(s.Name) {
			return true
		}
		if s.vars, s.root, err = vars(s.Name); err != nil {
			return true
		}
		if missing := here(s.Command, s.vars); missing != nil {
			skipped = append(skipped, fmt.Sprintf("%s: %v", s.Name, missing))
			return true
		}
		return false
	})
	return all, skipped, err
}

func version(command []string, r *strings.Replacer) string {
	line := make([]string, len(command))
	for i, part := range command {
		line[i] = r.Replace(part)
	}
	out, err := exec.Command(line[0], line[1:]...).Output()
	if err != nil {
		return "(version unknown)"
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.Trim(strings.TrimSpace(first), `",`)
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o666)
}
