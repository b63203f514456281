package load

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sizes of a drawing, in pixels.
const (
	plotWidth   = 960
	panelLeft   = 70
	panelWidth  = plotWidth - panelLeft - 200 // the legend stands at the right
	panelHeight = 220
	panelGap    = 70
	panelTop    = 60
)

// colours tell groups apart, also to who sees few colours (Okabe and Ito, 2008).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// A line is one curve of a panel. Points that are not a number interrupt it.
type line struct {
	name, colour, dash string
	x, y               []float64
	dots               bool
}

// A panel is one diagram.
type panel struct {
	title, xLabel, yLabel string
	logX, logY            bool
	lines                 []line
	marks                 []mark    // vertical lines
	span                  []float64 // places that the x axis reaches, whether or not something is drawn there
}

type mark struct {
	x    float64
	text string
}

// SVG draws a result: how long answers took over the load, or where there was one load
// only, over the part of the calls; what came back over time; and the memory of the server
// where that is known.
func (r *Result) SVG() string {
	panels := []panel{r.latencyPanel(), r.timePanel()}
	if r.Server != nil && len(r.Server.Series) > 1 {
		panels = append(panels, r.memoryPanel())
	}
	alignTime(panels[1:])
	height := panelTop + len(panels)*(panelHeight+panelGap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="15">%s</text>`+"\n", panelLeft, html.EscapeString(cmp.Or(r.Scenario, "load")))
	fmt.Fprintf(&b, `<text x="%d" y="38" fill="#555">%s</text>`+"\n", panelLeft, html.EscapeString(fmt.Sprintf("%.90s · %s · %s", r.Target, r.Began.UTC().Format("2006-01-02 15:04 MST"), r.Machine)))
	for i, p := range panels {
		p.draw(&b, panelTop+i*(panelHeight+panelGap)+10)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// alignTime has the panels over time begin at 0 and end together, so that what stands one below the other was at once.
func alignTime(panels []panel) {
	end := 0.0
	for _, p := range panels {
		for _, l := range p.lines {
			for _, x := range l.x {
				end = max(end, x)
			}
		}
	}
	for i := range panels {
		panels[i].span = []float64{0, end}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantiles are those that are drawn.
var quantiles = []struct {
	name, dash string
	of         func(Latency) time.Duration
}{
	{"p50", "2 3", func(l Latency) time.Duration { return l.P50 }},
	{"p90", "6 3", func(l Latency) time.Duration { return l.P90 }},
	{"p99", "", func(l Latency) time.Duration { return l.P99 }},
	{"p99.9", "10 3 2 3", func(l Latency) time.Duration { return l.P999 }},
}

func (r *Result) latencyPanel() panel {
	if len(r.Steps) == 1 {
		return r.distributionPanel()
	}
	p := panel{title: "How long good answers took, since the call was due", xLabel: "load, multiple of the rates", yLabel: "ms", logX: true, logY: true}
	groups := len(r.Series)
	for g := range groups {
		for q, quantile := range quantiles {
			if groups > 1 && quantile.name != "p50" && quantile.name != "p99" {
				continue
			}
			l := line{name: fmt.Sprint(r.Series[g].Group, " ", quantile.name), colour: colours[g%len(colours)], dash: quantile.dash, dots: true}
			if groups == 1 {
				l.colour = colours[q%len(colours)]
			}
			for _, s := range r.Steps {
				y := math.NaN()
				if l := s.Groups[g].Latency; l.N > 0 {
					y = ms(quantile.of(l))
				}
				l.x, l.y = append(l.x, s.Times), append(l.y, y)
			}
			p.lines = append(p.lines, l)
		}
	}
	return p
}

// distributionPanel draws the times of one step by the part of calls that took no longer:
// 1 in 10 up to 1 in 10 000 took more.
func (r *Result) distributionPanel() panel {
	p := panel{title: "How long good answers took, since the call was due", xLabel: "one call in … took longer", yLabel: "ms", logX: true, logY: true}
	for g, report := range r.Steps[0].Groups {
		h := report.histogram
		if h == nil || h.TotalCount() == 0 {
			continue
		}
		l := line{name: report.Group, colour: colours[g%len(colours)]}
		for one := 1.0; one <= float64(h.TotalCount()); one *= 1.25 {
			l.x = append(l.x, one)
			l.y = append(l.y, max(float64(h.ValueAtQuantile(100*(1-1/one)))/1000, 0.001))
		}
		p.lines = append(p.lines, l)
	}
	return p
}

func (r *Result) timePanel() panel {
	p := panel{title: "What came back", xLabel: "seconds", yLabel: "calls a second"}
	for i, s := range r.Series {
		kinds := []struct {
			name, dash string
			of         func(Point) float64
		}{
			{"good", "", func(p Point) float64 { return p.Good }},
			{"late", "10 3 2 3", func(p Point) float64 { return p.Late }},
			{"refused", "6 3", func(p Point) float64 { return p.Refused }},
			{"other", "2 3", func(p Point) float64 { return p.Other }},
		}
		for _, kind := range kinds {
			l := line{name: s.Group + " " + kind.name, colour: colours[i%len(colours)], dash: kind.dash}
			some := false
			for _, point := range s.Points {
				// As stairs: a line from one stretch of time to the next would rise before the step does.
				l.x, l.y = append(l.x, point.At.Seconds(), (point.At+r.Bin).Seconds()), append(l.y, kind.of(point), kind.of(point))
				some = some || kind.of(point) > 0
			}
			if some {
				p.lines = append(p.lines, l)
			}
		}
	}
	p.marks = r.stepMarks()
	return p
}

func (r *Result) stepMarks() (marks []mark) {
	if len(r.Steps) > 1 {
		for _, s := range r.Steps {
			marks = append(marks, mark{s.Start.Seconds(), fmt.Sprintf("%g×", s.Times)})
		}
	}
	return marks
}

func (r *Result) memoryPanel() panel {
	l := line{name: "resident", colour: colours[0]}
	for _, u := range r.Server.Series {
		l.x, l.y = append(l.x, u.At.Seconds()), append(l.y, mb(u.Bytes))
	}
	return panel{title: "Memory of the server", xLabel: "seconds", yLabel: "MB", lines: []line{l}, marks: r.stepMarks()}
}

// draw writes the panel with its upper edge at y.
func (p panel) draw(b *strings.Builder, top int) {
	xs, ys := axis{log: p.logX}, axis{log: p.logY}
	if !p.logY {
		ys.add(0)
	}
	for _, l := range p.lines {
		for i := range l.x {
			if usable(l.x[i], p.logX) && usable(l.y[i], p.logY) {
				xs.add(l.x[i])
				ys.add(l.y[i])
			}
		}
	}
	for _, m := range p.marks {
		xs.add(m.x)
	}
	for _, x := range p.span {
		xs.add(x)
	}
	xs.close()
	ys.close()
	x := func(v float64) float64 { return panelLeft + xs.place(v)*panelWidth }
	y := func(v float64) float64 { return float64(top+panelHeight) - ys.place(v)*panelHeight }

	fmt.Fprintf(b, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", panelLeft, top-6, html.EscapeString(p.title))
	for _, v := range ys.ticks() {
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#e4e4e4"/><text x="%d" y="%.1f" text-anchor="end" fill="#555">%s</text>`+"\n",
			panelLeft, y(v), panelLeft+panelWidth, y(v), panelLeft-6, y(v)+4, tick(v))
	}
	for _, v := range xs.ticks() {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e4e4e4"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n",
			x(v), top, x(v), top+panelHeight, x(v), top+panelHeight+16, tick(v))
	}
	for _, m := range p.marks {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#999" stroke-dasharray="1 3"/><text x="%.1f" y="%d" fill="#777" font-size="10">%s</text>`+"\n",
			x(m.x), top, x(m.x), top+panelHeight, x(m.x)+2, top+10, html.EscapeString(m.text))
	}
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#888"/>`+"\n", panelLeft, top, panelWidth, panelHeight)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#333">%s</text>`+"\n", panelLeft+panelWidth/2, top+panelHeight+34, html.EscapeString(p.xLabel))
	fmt.Fprintf(b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle" fill="#333">%s</text>`+"\n", top+panelHeight/2, html.EscapeString(p.yLabel))
	apart := min(18, (panelHeight+panelGap-30)/max(len(p.lines), 1)) // the legend ends before the next panel does
	for i, l := range p.lines {
		p.curve(b, l, x, y)
		at := top + 12 + apart*i
		fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%d" y="%d">%s</text>`+"\n",
			panelLeft+panelWidth+12, at, panelLeft+panelWidth+40, at, l.colour, l.dash, panelLeft+panelWidth+46, at+4, html.EscapeString(l.name))
	}
	if len(p.lines) == 0 {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#777">nothing to show</text>`+"\n", panelLeft+panelWidth/2, top+panelHeight/2)
	}
}

// curve draws a line, in pieces where points are missing.
func (p panel) curve(b *strings.Builder, l line, x, y func(float64) float64) {
	var piece []string
	flush := func() {
		if len(piece) > 1 {
			fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.6" stroke-dasharray="%s" points="%s"/>`+"\n", l.colour, l.dash, strings.Join(piece, " "))
		}
		piece = piece[:0]
	}
	for i := range l.x {
		if !usable(l.x[i], p.logX) || !usable(l.y[i], p.logY) {
			flush()
			continue
		}
		piece = append(piece, fmt.Sprintf("%.1f,%.1f", x(l.x[i]), y(l.y[i])))
		if l.dots {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`+"\n", x(l.x[i]), y(l.y[i]), l.colour)
		}
	}
	flush()
}

func usable(v float64, log bool) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!log || v > 0)
}

// An axis maps values to the stretch from 0 to 1.
type axis struct {
	log    bool
	lo, hi float64
	some   bool
}

func (a *axis) add(v float64) {
	if !a.some {
		a.lo, a.hi, a.some = v, v, true
	}
	a.lo, a.hi = min(a.lo, v), max(a.hi, v)
}

// close rounds the ends, so that there is room for what stands on them.
func (a *axis) close() {
	switch {
	case !a.some:
		a.lo, a.hi = 1, 10
	case a.log:
		a.lo, a.hi = a.lo/1.1, a.hi*1.1
	case a.lo == a.hi:
		a.hi = a.lo + 1
	default:
		a.hi += (a.hi - a.lo) * 0.05
	}
}

func (a *axis) place(v float64) float64 {
	if a.log {
		return math.Log(v/a.lo) / math.Log(a.hi/a.lo)
	}
	return (v - a.lo) / (a.hi - a.lo)
}

// ticks gives the round values that are written beside the axis: by tens, with 2 and 5
// between them where that is not enough, on a logarithmic one.
func (a *axis) ticks() (at []float64) {
	if a.log {
		for _, between := range [][]float64{{1}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 6, 8}} {
			at = at[:0]
			for e := math.Floor(math.Log10(a.lo)); e <= math.Ceil(math.Log10(a.hi)); e++ {
				for _, m := range between {
					if v := m * math.Pow(10, e); v >= a.lo && v <= a.hi {
						at = append(at, v)
					}
				}
			}
			if len(at) >= 3 {
				return at
			}
		}
		return at
	}
	step := math.Pow(10, math.Floor(math.Log10((a.hi-a.lo)/2)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (a.hi-a.lo)/(step*m) <= 8 {
			step *= m
			break
		}
	}
	for v := math.Ceil(a.lo/step) * step; v <= a.hi; v += step {
		at = append(at, v)
	}
	return slices.Clip(at)
}

func tick(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e6 || math.Abs(v) < 1e-3) {
		return fmt.Sprintf("%.0e", v)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}
