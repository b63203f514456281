package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gridflow/flow"
	"gridflow/flow/limit"
	"gridflow/internal/admit"
	"gridflow/internal/obs"
	"gridflow/internal/server"
)

// classBounds are the bounds of a class as the operator sets them.
type classBounds struct {
	flow.Class
	pace time.Duration // the longest gap that levelling may put between two starts; 0: no levelling
}

// classChange is what the operator wants of a class other than the default.
type classChange func(*classBounds)

// classKeys are what can be said of a class, as in --class-fast "queue=100,wait=2s".
var classKeys = []struct {
	key, doc string
	set      func(c *classBounds, text string) error
}{
	{"queue", "calls waiting", func(c *classBounds, s string) error { return count(&c.QueueMax, s, flow.QueueMost) }},
	{"client-queue", "calls of one client waiting, or served by a load that another call has begun", func(c *classBounds, s string) error { return count(&c.FlowQueueMax, s, flow.QueueMost) }},
	{"wait", "longest wait", func(c *classBounds, s string) error { return parseWait(&c.WaitMax, s) }},
	{"limit", "calls running at once", func(c *classBounds, s string) error { return positive(&c.Limit, s) }},
	{"gap", "least time between two starts", func(c *classBounds, s string) error { return parseWait(&c.Gap, s) }},
	{"pace", "longest gap that levelling may put between two starts, which follow each other at the pace of the demand", func(c *classBounds, s string) error { return parseWait(&c.pace, s) }},
	{"rate", "calls of one client in a second", func(c *classBounds, s string) error { return parseRate(&c.Rate, s) }},
	{"burst", "calls that a client may make at once where there is a rate", func(c *classBounds, s string) error { return parseRate(&c.Burst, s) }},
	{"weight", "share of time against other classes", func(c *classBounds, s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return errNotAllowed
		}
		c.Weight = n
		return nil
	}},
}

func positive(p *int, s string) error { return count(p, s, math.MaxInt) }

// count reads a whole number from 1 to most.
func count(p *int, s string, most int) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
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
	var keys, docs []string
	for _, k := range classKeys {
		keys = append(keys, k.key)
		docs = append(docs, k.key+": "+k.doc)
	}
	text := "the same for " + doc
	if name == "fast" { // the first one explains the keys
		text = "bounds of the class of " + doc + ", as key=value, comma separated. " + strings.Join(docs, "; ")
	}
	return setting{
		name: "class-" + name, group: "Scheduling", def: "",
		doc:     text,
		allowed: "for example queue=100,wait=2s; the keys are " + strings.Join(keys, ", "),
		set: single(func(s string) error {
			*p = nil
			var probe classBounds
			for pair := range strings.SplitSeq(s, ",") {
				if pair = strings.TrimSpace(pair); pair == "" {
					continue
				}
				key, text, ok := strings.Cut(pair, "=")
				i := indexOfKey(strings.TrimSpace(key))
				if !ok || i < 0 || classKeys[i].set(&probe, strings.TrimSpace(text)) != nil {
					return fmt.Errorf("%s is not understood", pair)
				}
				before, set, text := *p, classKeys[i].set, strings.TrimSpace(text)
				*p = func(c *classBounds) {
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

// clientsMax bounds the clients that have a weight of their own.
const clientsMax = 1000

// weights adapts the weights of clients to a row. The last = parts name and weight, since
// names are chosen by others.
func weights(p *map[string]int64) func([]string) error {
	return func(values []string) error {
		byName := make(map[string]int64)
		for _, v := range values {
			if v = strings.TrimSpace(v); v == "" {
				continue
			}
			at := strings.LastIndexByte(v, '=')
			if at < 0 {
				return valueError{v, errNotAllowed}
			}
			name := strings.TrimSpace(v[:at])
			n, err := strconv.ParseInt(strings.TrimSpace(v[at+1:]), 10, 64)
			if _, twice := byName[name]; twice || name == "" || err != nil || n < 1 || n > admit.WeightMax || len(byName) == clientsMax {
				return valueError{v, errNotAllowed}
			}
			byName[name] = n
		}
		*p = byName
		return nil
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

// flowConfig gives the configuration of the scheduler that the settings ask for, and the
// longest gap between starts for each class whose starts are levelled.
func (c *config) flowConfig() (conf flow.Config, paces []time.Duration, err error) {
	conf = flow.Defaults(cmp.Or(c.seats, runtime.GOMAXPROCS(0)), c.bytesOfLoads())
	conf.QueueMax = c.queueMax
	for resource, seats := range map[int]int{flow.IO: c.ioSeats, flow.Recalc: c.recalcs, flow.Render: c.renders} {
		conf.Resources[resource].Capacity = int64(seats)
	}
	paces = make([]time.Duration, len(conf.Classes))
	for i, change := range c.classes {
		if change == nil {
			continue
		}
		b := classBounds{Class: conf.Classes[i]}
		perClient := b.FlowQueueMax
		b.FlowQueueMax = 0
		change(&b)
		if b.FlowQueueMax == 0 {
			b.FlowQueueMax = min(cmp.Or(perClient, b.QueueMax), b.QueueMax)
		}
		if b.FlowQueueMax > b.QueueMax {
			return conf, nil, usagef("%s: client-queue=%d is more than the queue of the class, which is %d", c.places["class-"+b.Name], b.FlowQueueMax, b.QueueMax)
		}
		if b.Rate > 0 && b.Burst < 1 {
			b.Burst = max(1, b.Rate)
		}
		conf.Classes[i], paces[i] = b.Class, b.pace
	}
	return conf, paces, nil
}

// applyFlow gives a working scheduler the bounds that the settings ask for.
func (c *config) applyFlow(f *server.Flow) error {
	gate := f.Gate
	conf, paces, err := c.flowConfig()
	if err != nil {
		return err
	}
	seats := gate.Config().Resources[flow.CPU].Capacity
	if err := gate.Reconfigure(conf); err != nil {
		return err
	}
	f.Weights.Set(c.clients)
	if c.adaptive && conf.Resources[flow.CPU].Capacity != seats {
		if err := adapt(gate); err != nil { // between other bounds, and from their upper end
			return err
		}
	}
	return setPaces(gate, paces)
}

// paceWindow is how long the demand is measured that levelling follows.
const paceWindow = 30 * time.Second

func setPaces(gate *flow.Gate, paces []time.Duration) error {
	for class, longest := range paces {
		if err := gate.Pace(class, paceWindow, longest); err != nil {
			return err
		}
	}
	return nil
}

// adapt lets the limits of the classes follow how their calls go, between one call at a
// time and all seats. Short calls have no such limit: one that turned out long would keep
// out all others, for which the buffer is there.
func adapt(gate *flow.Gate) error {
	seats := int(gate.Config().Resources[flow.CPU].Capacity)
	for class, config := range map[int]func(min, max int) limit.Config{flow.Medium: limit.Medium, flow.Slow: limit.Slow} {
		l, err := limit.New(config(1, seats))
		if err != nil {
			return err
		}
		gate.Adapt(class, l)
	}
	return nil
}

// look tells the limits once a second how the Go scheduler does, and the level how the
// demand does, until ctx is done.
func (c *config) look(ctx context.Context, gate *flow.Gate, metrics *obs.Metrics) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var reader limit.SchedReader
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if c.adaptive {
				gate.Pressure(reader.Read().Pressure())
			}
			metrics.Tick()
		}
	}
}

func (c *config) bytesOfLoads() int64 { return cmp.Or(c.loadBytes, max(c.cacheBytes/2, 1)) }

// schedule makes the scheduler of a server over the opened workspace. What the gate tells
// is counted, and changes of the level and of limits go into the log too.
func (c *config) schedule(conf flow.Config, paces []time.Duration, o *opened, metrics *obs.Metrics, log *slog.Logger) (*server.Flow, error) {
	l := metrics.Listener()
	leveled, stepped := l.Level, l.Limit
	l.Level = func(from, to flow.Level) {
		leveled(from, to)
		level := slog.LevelWarn
		if to < from {
			level = slog.LevelInfo
		}
		attrs := []any{"level", to.String(), "was", from.String()}
		if behind := metrics.Behind(); len(behind) > 0 {
			attrs = append(attrs, "behind", strings.Join(behind, ","))
		}
		log.Log(context.Background(), level, "queues", attrs...)
	}
	l.Limit = func(class int, step limit.Change) {
		stepped(class, step)
		log.Info("limit", "class", conf.Classes[class].Name, "from", step.From, "to", step.To, "cause", string(step.Cause))
	}
	gate, err := flow.New(conf, l)
	if err == nil {
		err = setPaces(gate, paces)
	}
	if err == nil && c.adaptive {
		err = adapt(gate)
	}
	if err != nil {
		return nil, usagef("%v", err)
	}
	pricer := &admit.Pricer{Books: o.books, MaxBytes: func() int64 {
		bytes := gate.Config().Resources[flow.Bytes] // which may change with the configuration file
		return bytes.Capacity - bytes.Buffer
	}}
	weights := new(admit.Weights)
	weights.Set(c.clients)
	return &server.Flow{
		Gate: gate, Costs: new(flow.Costs), Weights: weights,
		Price: func(ctx context.Context, call server.Call) flow.Work {
			return pricer.Price(ctx, call.Tool, call.Arguments, call.URI)
		},
	}, nil
}
