package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gridflow/flow"
	"gridflow/internal/admit"
	"gridflow/internal/server"
)

// classChange is what the operator wants of a class other than the default.
type classChange func(*flow.Class)

// classKeys are what can be said of a class, as in --class-fast "queue=100,wait=2s".
var classKeys = []struct {
	key, doc string
	set      func(c *flow.Class, text string) error
}{
	{"queue", "calls waiting", func(c *flow.Class, s string) error { return positive(&c.QueueMax, s) }},
	{"client-queue", "calls of one client waiting", func(c *flow.Class, s string) error { return positive(&c.FlowQueueMax, s) }},
	{"wait", "longest wait", func(c *flow.Class, s string) error { return parseWait(&c.WaitMax, s) }},
	{"limit", "calls running at once", func(c *flow.Class, s string) error { return positive(&c.Limit, s) }},
	{"gap", "least time between two starts", func(c *flow.Class, s string) error { return parseWait(&c.Gap, s) }},
	{"rate", "calls of one client in a second", func(c *flow.Class, s string) error { return parseRate(&c.Rate, s) }},
	{"burst", "calls that a client may make at once where there is a rate", func(c *flow.Class, s string) error { return parseRate(&c.Burst, s) }},
	{"weight", "share of time against other classes", func(c *flow.Class, s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return errNotAllowed
		}
		c.Weight = n
		return nil
	}},
}

func positive(p *int, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errNotAllowed
	}
	*p = n
	return nil
}

func parseWait(p *time.Duration, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errNotAllowed
	}
	*p = d
	return nil
}

func parseRate(p *float64, s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0) || f > 1e9 {
		return errNotAllowed
	}
	*p = f
	return nil
}

// classSetting makes the row of a class: a comma-separated list of key=value.
func classSetting(name, doc string, p *classChange) setting {
	var keys []string
	for _, k := range classKeys {
		keys = append(keys, k.key+" ("+k.doc+")")
	}
	return setting{
		name: "class-" + name, group: "Scheduling", def: "",
		doc:     "bounds of the class " + name + " (" + doc + ") as key=value, comma separated",
		allowed: "key=value, comma separated, with the keys " + strings.Join(keys, ", "),
		set: single(func(s string) error {
			*p = nil
			var probe flow.Class
			for pair := range strings.SplitSeq(s, ",") {
				if pair = strings.TrimSpace(pair); pair == "" {
					continue
				}
				key, text, ok := strings.Cut(pair, "=")
				i := indexOfKey(strings.TrimSpace(key))
				if !ok || i < 0 || classKeys[i].set(&probe, strings.TrimSpace(text)) != nil {
					return fmt.Errorf("%q is not understood", pair)
				}
				before, set, text := *p, classKeys[i].set, strings.TrimSpace(text)
				*p = func(c *flow.Class) {
					if before != nil {
						before(c)
					}
					_ = set(c, text) // it has been tried above
				}
			}
			return nil
		}),
	}
}

func indexOfKey(key string) int {
	for i, k := range classKeys {
		if k.key == key {
			return i
		}
	}
	return -1
}

// flowConfig gives the configuration of the scheduler that the settings ask for.
func (c *config) flowConfig() flow.Config {
	conf := flow.Defaults(cmp.Or(c.seats, runtime.GOMAXPROCS(0)), c.bytesOfLoads())
	conf.QueueMax = c.queueMax
	for i, change := range c.classes {
		class := &conf.Classes[i]
		if change == nil {
			continue
		}
		perClient := class.FlowQueueMax
		class.FlowQueueMax = 0
		change(class)
		if class.FlowQueueMax == 0 {
			class.FlowQueueMax = min(cmp.Or(perClient, class.QueueMax), class.QueueMax)
		}
		if class.Rate > 0 && class.Burst < 1 {
			class.Burst = max(1, class.Rate)
		}
	}
	return conf
}

func (c *config) bytesOfLoads() int64 { return cmp.Or(c.loadBytes, max(c.cacheBytes/2, 1)) }

// schedule makes the scheduler of a server over the opened workspace. What the gate tells
// goes to the listener, and changes of the level into the log too.
func (c *config) schedule(conf flow.Config, o *opened, l flow.Listener, log *slog.Logger) (*server.Flow, error) {
	changed := l.Level
	l.Level = func(from, to flow.Level) {
		changed(from, to)
		level := slog.LevelWarn
		if to < from {
			level = slog.LevelInfo
		}
		log.Log(context.Background(), level, "queues", "level", to.String(), "was", from.String())
	}
	gate, err := flow.New(conf, l)
	if err != nil {
		return nil, usagef("%v", err)
	}
	pricer := &admit.Pricer{Books: o.books, MaxBytes: c.bytesOfLoads()}
	return &server.Flow{
		Gate: gate, Costs: new(flow.Costs),
		Price: func(call server.Call) flow.Work { return pricer.Price(call.Tool, call.Arguments, call.URI) },
	}, nil
}
