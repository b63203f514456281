package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Scenario says what load a server is put under. The zero values of all fields mean
// what is said beside them.
type Scenario struct {
	Name string `yaml:"name"`
	Seed uint64 `yaml:"seed"` // of everything that is drawn; a run with the same seed asks for the same

	For    time.Duration `yaml:"for"`    // how long each step lasts; 0: 10 s
	Steps  []float64     `yaml:"steps"`  // multiples of the groups' rates, one step after the other; none: once, at 1
	Settle bool          `yaml:"settle"` // a step begins when the calls of the one before have come back

	Books []Book  `yaml:"books"`
	Zipf  float64 `yaml:"zipf"` // the k-th book is asked for as often as 1/k to this power; 0: all alike

	Groups []Group `yaml:"groups"`
}

// A Book is a workbook that the server has, as operations name it.
type Book struct {
	Name    string `yaml:"name"`
	Sheet   string `yaml:"sheet"`
	Rows    int    `yaml:"rows"`    // that hold something; 0: 100
	Columns int    `yaml:"columns"` // likewise; 0: 10
}

// A Group is clients that behave alike. Either they have a Rate, which is an open loop:
// calls are sent when they are due, whether or not earlier ones have been answered. Or
// they keep Parallel calls going each, a closed loop.
type Group struct {
	Name       string `yaml:"name"`
	Clients    int    `yaml:"clients"`    // sessions; 0: 1
	Principals int    `yaml:"principals"` // the sessions are those of so many programs, by turns; 0: of one

	// As are the principals, as the server knows them, whose tokens (Target.Tokens) the sessions send, by turns;
	// none: they send the token of nobody in particular, where there is one.
	As []string `yaml:"as"`

	Rate     float64 `yaml:"rate"`     // calls a second of each client; a step multiplies it
	Arrivals string  `yaml:"arrivals"` // Constant (the default) or Poisson
	Burst    int     `yaml:"burst"`    // so many calls are due at once, as much more rarely; 0: 1
	Fixed    bool    `yaml:"fixed"`    // steps do not multiply the rate
	// At most so many calls of a client are under way; what is due then is not sent, and
	// counted as that. 0: 1000.
	InFlightMax int `yaml:"in-flight-max"`

	Parallel int           `yaml:"parallel"` // calls that a client keeps going; 0: 1
	Think    time.Duration `yaml:"think"`    // the pause after each of them
	Limit    int           `yaml:"limit"`    // calls of each client in a step; 0: until the time is up

	Mix   map[string]float64 `yaml:"mix"`   // operations of the dialect, with weights
	Calls []Call             `yaml:"calls"` // or these calls, in turn

	Within  time.Duration `yaml:"within"`  // an answer that took longer is late; 0: none is
	Timeout time.Duration `yaml:"timeout"` // a call is given up after so long; 0: one minute

	// Manners.
	Leave      float64           `yaml:"leave"`       // the part of calls that their client gives up early, 0 to 1
	LeaveAfter time.Duration     `yaml:"leave-after"` // … this long after sending, in the mean
	Life       int               `yaml:"life"`        // a client comes anew, in another session, after so many calls; 0: never
	ReadBytes  int               `yaml:"read-bytes"`  // so many bytes a second are read of answers; 0: as they come
	Headers    map[string]string `yaml:"headers"`     // of HTTP requests; {principal}, {group} and {client} are filled in
}

// A Call is one tool with its arguments, in which variables stand as in a Dialect's.
type Call struct {
	Tool string         `yaml:"tool" json:"tool"`
	Args map[string]any `yaml:"args" json:"args,omitempty"`
}

// The kinds of arrivals.
const (
	Constant = "constant" // evenly, the clients of a group between one another
	Poisson  = "poisson"  // at random, as of many who know nothing of each other
)

// scenarioMax bounds a scenario's file, and a dialect's, in bytes.
const scenarioMax = 1 << 20

// ReadScenario reads a scenario in YAML, of which JSON is a part. What it does not know,
// or what cannot be, is an error.
func ReadScenario(r io.Reader) (Scenario, error) {
	var s Scenario
	if err := readYAML(r, &s); err != nil {
		return s, err
	}
	return s, s.check()
}

func readYAML(r io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(r, scenarioMax+1))
	if err != nil {
		return err
	}
	if len(data) > scenarioMax {
		return fmt.Errorf("it is larger than %d bytes", scenarioMax)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	} else if err != nil {
		return err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one document")
	}
	return nil
}

// Bounds of what a scenario may ask for.
const (
	clientsMax = 100_000
	rateMax    = 1e6 // calls a second of one client
	stepsMax   = 1000
)

// check says what is wrong with a scenario.
func (s *Scenario) check() error {
	if s.For < 0 {
		return fmt.Errorf("for: %v is no length of time", s.For)
	}
	if len(s.Steps) > stepsMax {
		return fmt.Errorf("steps: %d are more than %d", len(s.Steps), stepsMax)
	}
	for _, x := range s.Steps {
		if !(x > 0) || x > rateMax {
			return fmt.Errorf("steps: %v is no multiple of a rate", x)
		}
	}
	if !(s.Zipf >= 0) || s.Zipf > 100 {
		return fmt.Errorf("zipf: %v is not between 0 and 100", s.Zipf)
	}
	for _, b := range s.Books {
		if b.Name == "" || b.Rows < 0 || b.Columns < 0 {
			return fmt.Errorf("books: %+v needs a name, and no negative size", b)
		}
	}
	if len(s.Groups) == 0 {
		return errors.New("groups: there is none")
	}
	var names []string
	for i := range s.Groups {
		g := &s.Groups[i]
		if slices.Contains(names, g.Name) {
			return fmt.Errorf("groups: two are called %q", g.Name)
		}
		names = append(names, g.Name)
		if err := g.check(); err != nil {
			return fmt.Errorf("group %q: %w", g.Name, err)
		}
	}
	return nil
}

func (g *Group) check() error {
	switch {
	case g.Clients < 0 || g.Clients > clientsMax:
		return fmt.Errorf("clients: %d is not between 0 and %d", g.Clients, clientsMax)
	case g.Principals < 0 || g.Parallel < 0 || g.Limit < 0 || g.Burst < 0 || g.InFlightMax < 0 || g.Life < 0 || g.ReadBytes < 0:
		return errors.New("a number is negative")
	case g.Think < 0 || g.Within < 0 || g.Timeout < 0 || g.LeaveAfter < 0:
		return errors.New("a time is negative")
	case !(g.Rate >= 0) || g.Rate > rateMax:
		return fmt.Errorf("rate: %v is not between 0 and %g", g.Rate, rateMax)
	case g.Arrivals != "" && g.Arrivals != Constant && g.Arrivals != Poisson:
		return fmt.Errorf("arrivals: %q is neither %s nor %s", g.Arrivals, Constant, Poisson)
	case !(g.Leave >= 0 && g.Leave <= 1):
		return fmt.Errorf("leave: %v is not between 0 and 1", g.Leave)
	case slices.Contains(g.As, ""):
		return errors.New("as: a name is empty")
	case len(g.Mix) == 0 && len(g.Calls) == 0:
		return errors.New("it makes no calls: give a mix, or calls")
	case len(g.Mix) > 0 && len(g.Calls) > 0:
		return errors.New("it has a mix and calls")
	}
	total := 0.0
	for op, w := range g.Mix {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("mix: %s: %v is no weight", op, w)
		}
		total += w
	}
	if len(g.Mix) > 0 && !(total > 0) {
		return errors.New("mix: no operation has a weight")
	}
	for _, c := range g.Calls {
		if c.Tool == "" {
			return errors.New("a call names no tool")
		}
		if _, err := json.Marshal(c.Args); err != nil {
			return fmt.Errorf("call of %s: %w", c.Tool, err)
		}
	}
	return nil
}
