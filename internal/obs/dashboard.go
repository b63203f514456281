package obs

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A panel is one picture of the dashboard. What it shows is named as in alerts.
type panel struct {
	title, unit string
	shows       []curve
}

type curve struct{ expr, legend string }

// sections are the dashboard from top to bottom: what an operator asks first stands first.
var sections = []struct {
	title  string
	panels []panel
}{
	{"Is it well?", []panel{
		{"Level: 0 ok, 1 warn, 2 critical, 3 emergency", "none", []curve{{"$andon_level", "{{instance}}"}}},
		{"Calls a second, by outcome", "reqps", []curve{{`sum by (outcome) (gridflow:requests:rate5m)`, "{{outcome}}"}}},
		{"Calls that are not let in, a second", "reqps", []curve{{`sum by (class, reason) (rate($dropped_total[5m])) > 0`, "{{class}} {{reason}}"}}},
		{"Breakers: 0 closed, 1 half-open, 2 open", "none", []curve{{"$breaker_state", "{{name}}"}, {"$breaker_quarantined", "set aside, {{name}}"}}},
	}},
	{"Does it keep up?", []panel{
		{"Takt ratio: above 1 more comes than can be done", "none", []curve{{"$takt_ratio", "{{class}}"}}},
		{"Queues, of what they hold", "percentunit", []curve{{"$queue_depth / $queue_capacity", "{{class}}"}}},
		{"Wait, 95th percentile", "s", []curve{{"gridflow:queue_wait_seconds:p95_5m", "{{class}}"}}},
		{"Run, 95th percentile", "s", []curve{{"gridflow:exec_seconds:p95_5m", "{{class}}"}}},
		{"Flow efficiency: run by run and wait", "percentunit", []curve{{"$flow_efficiency", "{{class}}"}}},
		{"Short calls done in 0.1 s", "percentunit", []curve{{"gridflow:exec_fast_in_time:ratio5m", "{{instance}}"}}},
	}},
	{"What is it at?", []panel{
		{"Running, and how many may", "none", []curve{{"$inflight", "{{class}}"}, {"$limiter_limit > 0", "limit, {{class}}"}}},
		{"Steps of limits", "none", []curve{{`increase($limiter_adjust_total[5m]) > 0`, "{{class}} {{dir}}, {{cause}}"}}},
		{"Resources taken", "percentunit", []curve{{"$resource_used / $resource_capacity", "{{resource}}"}}},
		{"Share of time, and what the weights give", "percentunit", []curve{{"$class_share_actual", "{{class}}"}, {"$class_share_target", "by weight, {{class}}"}}},
		{"Workbooks in memory", "bytes", []curve{{"$cache_bytes", "{{instance}}"}, {"$cache_capacity_bytes", "bound"}}},
		{"Calls that find their workbook open", "percentunit", []curve{{"gridflow:cache_hits:ratio5m", "{{instance}}"}}},
	}},
	{"LibreOffice", []panel{
		{"Workers, and how many there should be", "none", []curve{{"$lo_workers", "{{state}}"}, {"$lo_workers_wanted", "wanted"}, {"$lo_workers_max", "at most"}}},
		{"Jobs, a second", "ops", []curve{{"sum by (kind, outcome) (rate($lo_jobs_total[5m])) > 0", "{{kind}} {{outcome}}"}}},
		{"Time at a job, 95th percentile", "s", []curve{{"histogram_quantile(0.95, sum by (kind, le) (rate($lo_job_seconds_bucket[5m])))", "{{kind}}"}}},
		{"Workers that ended", "none", []curve{{"increase($lo_restarts_total[5m]) > 0", "{{cause}}"}}},
		{"Jobs that wait for a worker", "none", []curve{{"$lo_queue_depth", "{{kind}}"}}},
		{"Wait for a worker, 95th percentile", "s", []curve{{"histogram_quantile(0.95, sum by (le) (rate($lo_queue_wait_seconds_bucket[5m])))", "{{instance}}"}}},
	}},
	{"Forks and the journal", []panel{
		{"Forks, and those in memory", "none", []curve{{"$forks", "{{instance}}"}, {"$forks_live", "in memory"}, {"$fork_mailbox_depth", "changes that wait"}}},
		{"Versions made, changes refused as a conflict, a second", "ops", []curve{{"rate($fork_commits_total[5m])", "versions"}, {"rate($fork_conflicts_total[5m])", "conflicts"}, {"rate($fork_restores_total[5m])", "restores"}}},
		{"Calculations that nobody waits for, forks that are not calculated", "none", []curve{{"$calc_behind", "behind"}, {"$forks_stale", "stale"}}},
		{"Calculations, and those that took longer than a change may wait, a second", "ops", []curve{{"rate($calc_seconds_count[5m])", "calculations"}, {"rate($calc_over_budget_total[5m])", "over budget"}, {"rate($calc_too_large_total[5m])", "too large"}}},
		{"Formulas run a second, and those that no call waited for", "ops", []curve{{"rate($calc_formulas_total[5m])", "all"}, {"rate($calc_later_formulas_total[5m])", "behind"}}},
		{"Calculation, 95th percentile", "s", []curve{{"histogram_quantile(0.95, sum by (le, instance) (rate($calc_seconds_bucket[5m])))", "{{instance}}"}}},
		{"Memory of compiled formulas and of indexes", "bytes", []curve{{"$calc_model_bytes", "formulas"}, {"$calc_index_bytes", "indexes"}}},
		{"Records that share a sync", "none", []curve{{"rate($journal_appends_total[5m]) / rate($journal_batches_total[5m])", "{{instance}}"}}},
		{"Size of the journal", "bytes", []curve{{"$journal_bytes", "{{instance}}"}}},
		{"Files of the journal; 1: it takes no more records", "none", []curve{{"$journal_segments", "files"}, {"$journal_poisoned", "failed"}}},
	}},
}

// Dashboard writes docs/observability/dashboard.json, which Grafana imports. Below the
// sections stands every row of the table, folded away: so none can be missing.
func Dashboard(w io.Writer) error {
	board := map[string]any{
		"title": "gridflow", "uid": "gridflow", "tags": []string{"gridflow"}, "schemaVersion": 39, "editable": true,
		"refresh": "30s", "time": map[string]string{"from": "now-1h", "to": "now"},
		"templating": map[string]any{"list": []any{map[string]any{
			"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
		}}},
	}
	var panels []any
	id, y := 0, 0
	const width, height, across = 8, 7, 3
	row := func(title string, folded []any) {
		id++
		panels = append(panels, map[string]any{
			"id": id, "type": "row", "title": title, "collapsed": folded != nil, "panels": folded, "gridPos": grid(0, y, width*across, 1),
		})
		y++
	}
	place := func(list []panel, top int) (placed []any, err error) {
		for i, p := range list {
			var targets []any
			for j, c := range p.shows {
				expr, err := expand(c.expr)
				if err != nil {
					return nil, err
				}
				targets = append(targets, map[string]any{"refId": string(rune('A' + j)), "expr": expr, "legendFormat": c.legend})
			}
			id++
			placed = append(placed, map[string]any{
				"id": id, "type": "timeseries", "title": p.title, "targets": targets,
				"datasource":  map[string]string{"type": "prometheus", "uid": "${datasource}"},
				"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}},
				"gridPos":     grid(i%across*width, top+i/across*height, width, height),
			})
		}
		return placed, nil
	}
	for _, s := range sections {
		row(s.title, nil)
		placed, err := place(s.panels, y)
		if err != nil {
			return err
		}
		panels = append(panels, placed...)
		y += (len(s.panels) + across - 1) / across * height
	}
	var all []panel
	for _, m := range sorted() {
		all = append(all, m.panel())
	}
	folded, err := place(all, y+1)
	if err != nil {
		return err
	}
	row("Every metric", folded)
	board["panels"] = panels
	text, err := json.MarshalIndent(board, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func grid(x, y, w, h int) map[string]int { return map[string]int{"x": x, "y": y, "w": w, "h": h} }

// panel shows a row of the table as its kind wants: what counts by the second, what is
// spread by its 95th percentile.
func (m *metric) panel() panel {
	short := "$" + strings.TrimPrefix(m.name, "gridflow_")
	var legend []string
	for _, l := range m.labels {
		legend = append(legend, "{{"+l+"}}")
	}
	p := panel{title: m.name, unit: "none"}
	switch {
	case strings.HasSuffix(m.name, "_seconds"):
		p.unit = "s"
	case strings.HasSuffix(m.name, "_bytes"):
		p.unit = "bytes"
	}
	switch m.kind {
	case counter:
		short = "rate(" + short + "[5m])"
		p.unit = "cps"
	case histogram:
		short = fmt.Sprintf("histogram_quantile(0.95, sum by (%s) (rate(%s_bucket[5m])))", strings.Join(append(slices.Clone(m.labels), "le"), ", "), short)
	}
	p.shows = []curve{{short, strings.Join(legend, " ")}}
	return p
}
