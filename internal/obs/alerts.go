package obs

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// A recording is a rule that keeps what is often asked for. Its name has the form
// level:metric:operation that Prometheus advises.
type recording struct{ name, expr string }

// An alert is a rule that tells somebody. In its expressions, as in those of recordings
// and panels, $queue_depth is the row gridflow_queue_depth of the table, so that no name
// can be used that there is not.
type alert struct {
	name     string
	expr     string
	lasts    time.Duration // for so long, before anybody is told
	severity severity
	summary  string
	do       string // what to do; {{ $labels.class }} is the class, as in all templates
}

type severity string

const (
	critical severity = "critical" // calls fail or are refused: look now
	warning  severity = "warning"  // they will, or one part does: look today
	notice   severity = "notice"   // worth knowing when something else is wrong
)

var recordings = []recording{
	{"gridflow:requests:rate5m", `sum by (job, instance, class, outcome) (rate($requests_total[5m]))`},
	{"gridflow:requests_failed:ratio5m", `sum by (job, instance) (rate($requests_total{outcome=~"internal|timeout_exec|circuit_open"}[5m])) / sum by (job, instance) (rate($requests_total[5m]))`},
	{"gridflow:queue_wait_seconds:p95_5m", `histogram_quantile(0.95, sum by (job, instance, class, le) (rate($queue_wait_seconds_bucket[5m])))`},
	{"gridflow:exec_seconds:p95_5m", `histogram_quantile(0.95, sum by (job, instance, class, le) (rate($exec_seconds_bucket[5m])))`},
	// The classes are told apart by 0.1 s and 1 s.
	{"gridflow:exec_fast_in_time:ratio5m", `sum by (job, instance) (rate($exec_seconds_bucket{class="fast",le="0.1"}[5m])) / sum by (job, instance) (rate($exec_seconds_count{class="fast"}[5m]))`},
	{"gridflow:mispredictions:ratio15m", `rate($mispredictions_total[15m]) / rate($predictions_total[15m])`},
	{"gridflow:cache_hits:ratio5m", `rate($cache_hits_total[5m]) / (rate($cache_hits_total[5m]) + rate($cache_joined_total[5m]) + rate($cache_misses_total[5m]))`},
}

var alerts = []alert{
	{
		name: "GridflowGone", expr: `absent($build_info)`, lasts: 5 * time.Minute, severity: critical,
		summary: "No gridflow is scraped",
		do:      "See whether the process lives, and whether the scraper calls it by a name that --allowed-hosts has",
	},
	{
		name: "GridflowEmergency", expr: `$andon_level >= 3`, lasts: time.Minute, severity: critical,
		summary: "Every call but those of the class admin is refused",
		do:      "Take load away; where it stays, give more --seats or processors",
	},
	{
		name: "GridflowQueueFull", expr: `$queue_depth / $queue_capacity >= 0.9`, lasts: time.Minute, severity: warning,
		summary: "The queue of the class {{ $labels.class }} is full",
		do:      "See in server_status who waits most; bound what a client may ask by rate and client-queue of the class",
	},
	{
		name:  "GridflowCallsRefused",
		expr:  `sum by (job, instance, class, reason) (increase($dropped_total{reason=~"full_class|full_queue|displaced|shed|standing|waited_out|too_late"}[5m])) > 0`,
		lasts: 2 * time.Minute, severity: warning,
		summary: "Calls of the class {{ $labels.class }} are not let in: {{ $labels.reason }}",
		do:      "The reasons are explained in docs/operating.md",
	},
	{
		name: "GridflowDemandAboveCapacity", expr: `$takt_ratio > 1`, lasts: 2 * time.Minute, severity: warning,
		summary: "More calls of the class {{ $labels.class }} come than can be done",
		do:      "The queue will fill: take load away, or give more --seats",
	},
	{
		name: "GridflowWaits", expr: `avg_over_time($flow_efficiency[10m]) < 0.5 and avg_over_time($little_l[10m]) > 1`, lasts: 5 * time.Minute, severity: warning,
		summary: "Calls of the class {{ $labels.class }} wait for longer than they run",
		do:      "Where takt_ratio is below 1 they come in bursts; else see GridflowDemandAboveCapacity",
	},
	{
		name: "GridflowFastCallsWait", expr: `gridflow:queue_wait_seconds:p95_5m{class="fast"} > 1`, lasts: 5 * time.Minute, severity: critical,
		summary: "One short call in twenty waits for more than a second",
		do:      "See GridflowMispredictions: long calls may be taken for short ones; else give more --seats",
	},
	{
		name: "GridflowFastCallsSlow", expr: `gridflow:exec_fast_in_time:ratio5m < 0.9`, lasts: 10 * time.Minute, severity: warning,
		summary: "More than a tenth of the short calls take longer than 0.1 s",
		do:      "See exec_seconds by tool, and whether the processors are taken by others",
	},
	{
		name: "GridflowMispredictions", expr: `gridflow:mispredictions:ratio15m > 0.1 and rate($predictions_total[15m]) > 0.1`, lasts: 15 * time.Minute, severity: notice,
		summary: "More than a tenth of the calls belonged in another class",
		do:      "It mends itself with each call, unless the workbooks keep changing",
	},
	{
		name: "GridflowArrivalsUneven", expr: `avg_over_time($arrival_cv[10m]) > 1.5 and avg_over_time($little_l[10m]) > 1`, lasts: 5 * time.Minute, severity: notice,
		summary: "Calls of the class {{ $labels.class }} come in bursts",
		do:      "Where they may wait, pace makes their starts even (--class-{{ $labels.class }} pace=10s)",
	},
	{
		name: "GridflowLimitAtLeast", expr: `$limiter_limit <= $limiter_min and $limiter_min < $limiter_max`, lasts: 10 * time.Minute, severity: warning,
		summary: "Calls of the class {{ $labels.class }} run one by one, because they take too long or fail",
		do:      "limiter_adjust_total has the cause of each step; see exec_seconds by tool",
	},
	{
		name: "GridflowCallsFail", expr: `gridflow:requests_failed:ratio5m > 0.05`, lasts: 5 * time.Minute, severity: critical,
		summary: "One call in twenty fails by the server's doing",
		do:      "See requests_total by outcome and tool; the log has each failure with a reference",
	},
	{
		name: "GridflowCallStuck", expr: `$little_l - $little_lambda_w >= 0.9 and $little_lambda_w < 0.5 * $little_l`, lasts: 10 * time.Minute, severity: warning,
		summary: "A call of the class {{ $labels.class }} does not end",
		do:      "The log has \"a call is stuck\", with where it stands; its seat is missing until it ends",
	},
	{
		name:  "GridflowBreakerOpen",
		expr:  `$breaker_state{name!~"(libreoffice|oauth) .*"} > 0 or sum without (to) (increase($breaker_transitions_total{to="open",name!~"(libreoffice|oauth) .*"}[5m])) > 0`,
		lasts: 0, severity: critical,
		summary: "The disk or the network under {{ $labels.name }} fails",
		do:      "Workbooks in memory are served, others are answered with CIRCUIT_OPEN; mend the disk or the mount",
	},
	{
		name: "GridflowJournalFailed", expr: `$journal_poisoned > 0`, lasts: 0, severity: critical,
		summary: "A write or a sync of the journal has failed: nothing can be edited",
		do:      "What was acknowledged is safe; mend or empty the disk of the state folder, then start the server anew",
	},
	{
		name: "GridflowForksStale", expr: `$forks_stale > 0`, lasts: 15 * time.Minute, severity: warning,
		summary: "Forks have been without a calculation for a quarter of an hour: {{ $value }}",
		do:      "Each read of them says so. list_forks names them, and the reason where there is one; where they wait for their turn, raise --recalc-seats",
	},
	{
		name: "GridflowCalcOverBudget", expr: `rate($calc_over_budget_total[10m]) > 0.2 * rate($calc_seconds_count[10m]) and rate($calc_over_budget_total[10m]) > 0.005`, lasts: 10 * time.Minute, severity: notice,
		summary: "Changes are answered before their formulas are calculated, one calculation in five",
		do:      "Raise --calc-budget if callers may wait longer; see calc_seconds, and server_status for the tools and workbooks",
	},
	{
		name: "GridflowCalcTooLarge", expr: `increase($calc_too_large_total[15m]) > 0`, lasts: 0, severity: warning,
		summary: "A workbook needs more memory to be calculated than a calculation may take",
		do:      "Its fork stays stale; raise --cache-bytes if there is memory",
	},
	{
		name: "GridflowFilesSetAside", expr: `$breaker_quarantined{name!~"(libreoffice|oauth) .*"} > 0`, lasts: 5 * time.Minute, severity: warning,
		summary: "Files under {{ $labels.name }} that cannot be read again and again: {{ $value }}",
		do:      "The log names them; look for a bad spot of the disk",
	},
	{
		name:  "GridflowOfficeBreakerOpen",
		expr:  `$breaker_state{name=~"libreoffice .*"} > 0 or sum without (to) (increase($breaker_transitions_total{to="open",name=~"libreoffice .*"}[5m])) > 0`,
		lasts: 0, severity: warning,
		summary: "LibreOffice fails: {{ $labels.name }}",
		do:      "Calls that want it are answered with CIRCUIT_OPEN, all others are served; the log has how its workers ended",
	},
	{
		name: "GridflowOfficeDocumentsSetAside", expr: `$breaker_quarantined{name=~"libreoffice .*"} > 0`, lasts: 0, severity: notice,
		summary: "Documents that bring LibreOffice down each time: {{ $value }}",
		do:      "They are left alone for ten minutes at a time, others are served; the log has their hashes",
	},
	{
		name:  "GridflowOfficeDoesNotStart",
		expr:  `increase($lo_restarts_total{cause="start"}[10m]) > 1`,
		lasts: 0, severity: warning,
		summary: "LibreOffice is installed and does not start",
		do:      "The log has why; start it by hand as the user of the server: soffice --headless --version",
	},
	{
		name:  "GridflowOfficeWorkersDie",
		expr:  `sum by (job, instance) (increase($lo_restarts_total{cause=~"crash|timeout|broken|too_much"}[15m])) > 5`,
		lasts: 0, severity: warning,
		summary: "Workers of LibreOffice die under their jobs: {{ $value }} in a quarter of an hour",
		do:      "See lo_restarts_total by cause: timeout, raise --office-timeout; too_much, raise --office-memory; else the documents, whose hashes the log has once they are set aside",
	},
	{
		name: "GridflowOfficeWaits", expr: `sum by (job, instance) ($lo_queue_depth) > 0`, lasts: 5 * time.Minute, severity: warning,
		summary: "Jobs wait for LibreOffice",
		do:      "Raise --office-workers where there are processors and memory for more, or lower --recalc-seats and --render-seats so that calls wait in their queue instead",
	},
	{
		name: "GridflowLoadsWait", expr: `$resource_used{resource="bytes"} / ($resource_capacity{resource="bytes"} - $resource_buffer{resource="bytes"}) > 0.9`, lasts: 5 * time.Minute, severity: warning,
		summary: "The memory for loads is taken, and loads wait for it",
		do:      "Raise --load-bytes if there is memory",
	},
	{
		name: "GridflowCacheTooSmall", expr: `rate($cache_evictions_total[10m]) > 0.5 * rate($cache_loads_total[10m]) and rate($cache_loads_total[10m]) > 0.05`, lasts: 10 * time.Minute, severity: warning,
		summary: "Workbooks are dropped for room and opened again",
		do:      "Raise --cache-bytes if there is memory",
	},
	{
		name: "GridflowStopTakesLong", expr: `$drain_inflight > 0 and $drain_state == 1`, lasts: 30 * time.Second, severity: warning,
		summary: "A server that is to stop waits for {{ $value }} requests",
		do:      "What is left is cut off after --drain-timeout, where that is longer than half a minute; a second SIGTERM ends it on the spot",
	},
	{
		name: "GridflowConfigRejected", expr: `increase($config_reloads_total{outcome="rejected"}[15m]) > 0`, lasts: 0, severity: warning,
		summary: "The configuration file has changed and is wrong",
		do:      "The settings are those from before; the log says what is wrong with the file",
	},
	{
		name:  "GridflowStrangersCall",
		expr:  `sum by (job, instance, reason) (increase($http_refused_total{reason=~"host|origin"}[15m])) > 10`,
		lasts: 0, severity: notice,
		summary: "Requests are refused for their {{ $labels.reason }}",
		do:      "A name or a page that should be allowed is missing in --allowed-hosts or --allowed-origins; or somebody tries",
	},
	{
		name:  "GridflowTokensRefused",
		expr:  `sum by (job, instance, reason) (increase($http_refused_total{reason=~"token_(unknown|expired|invalid|in_query|certificate|failures)"}[15m])) > 50`,
		lasts: 0, severity: warning,
		summary: "Requests are refused for their token: {{ $labels.reason }}",
		do:      "Look in the log from which machines; a client has an old token, or somebody guesses. token_in_query: a client puts its token into URLs; have another one made",
	},
	{
		name: "GridflowIssuerGone", expr: `sum by (job, instance) (increase($http_refused_total{reason="token_unavailable"}[5m])) > 0`, lasts: 0, severity: critical,
		summary: "Access tokens cannot be verified, for their issuer gives no answer",
		do:      "See in the log why; look at --oauth-issuer, --oauth-keys or --oauth-introspection, and whether this machine reaches them",
	},
}

var rowName = regexp.MustCompile(`\$([a-z][a-z0-9_]*)`)

// expand puts the names of rows in the places of $name.
func expand(expr string) (string, error) {
	var missing error
	out := rowName.ReplaceAllStringFunc(expr, func(short string) string {
		name := "gridflow_" + short[1:]
		if !isSeries(name) {
			missing = fmt.Errorf("obs: the table has no row for %s in %s", short, expr)
		}
		return name
	})
	return out, missing
}

// isSeries tells whether a row of the table has a series of this name.
func isSeries(name string) bool {
	for _, m := range table {
		if name == m.name && m.kind != histogram {
			return true
		}
		if suffix, ok := strings.CutPrefix(name, m.name); ok && m.kind == histogram && (suffix == "_bucket" || suffix == "_count" || suffix == "_sum") {
			return true
		}
	}
	return false
}

const madeFrom = "# Made from the tables in internal/obs (make generate).\n"

// Recordings writes docs/observability/rules.yml, in the format of Prometheus.
func Recordings(w io.Writer) error {
	b := new(strings.Builder)
	b.WriteString(madeFrom + "groups:\n  - name: gridflow-recordings\n    rules:\n")
	for _, r := range recordings {
		expr, err := expand(r.expr)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "      - record: %s\n        expr: %s\n", r.name, quoted(expr))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Alerts writes docs/observability/alerts.yml, in the format of Prometheus. They use what
// Recordings gives.
func Alerts(w io.Writer) error {
	b := new(strings.Builder)
	b.WriteString(madeFrom + "groups:\n  - name: gridflow-alerts\n    rules:\n")
	for _, a := range alerts {
		expr, err := expand(a.expr)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "      - alert: %s\n        expr: %s\n", a.name, quoted(expr))
		if a.lasts > 0 {
			fmt.Fprintf(b, "        for: %ds\n", int(a.lasts.Seconds()))
		}
		fmt.Fprintf(b, "        labels:\n          severity: %s\n        annotations:\n          summary: %s\n          description: %s\n",
			a.severity, quoted(a.summary), quoted(a.do))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted writes a text as YAML, on one line.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
