package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gridflow/flow"
	"gridflow/internal/admit"
	"gridflow/internal/office"
)

// config holds every setting of the program.
type config struct {
	// places says where each value that is no default was given, for messages about
	// it: a flag, a variable, or a line of the configuration file.
	places map[string]string
	// held has the settings that hold until the next start, by name, as they were written.
	held map[string]string

	// joins says that this process does not open the workspace where another one has the
	// state folder, but may become its client. alone is why it has no forks, if that is
	// decided.
	joins bool
	alone error

	configFile string

	roots        []string
	cacheBytes   int64
	memoryLimit  int64
	ownMemory    int64 // what this process may have of the memory that the system gives, in bytes; 0: there is no bound. It follows from the settings
	readTimeout  time.Duration
	toolsets     []string
	tools        []string
	excludeTools []string
	readOnly     bool

	stateDir       string
	maxForks       int
	maxEditCells   int
	forkTTL        time.Duration
	maxCheckpoints int
	maxStaged      int
	history        int
	forkBytes      int64
	calcBudget     time.Duration // negative: nothing is calculated

	office        string // auto, off, or a program folder
	officeWorkers int
	officeMost    int  // processes at once, spares included; 0: as many as go with officeWorkers. It follows from the memory that there is
	officeLeftOut bool // no worker has room in the memory that there is
	officeTight   bool // the workers that were asked for do not fit beside the server
	officeWarm    int
	officeMemory  int64
	officeJobs    int
	officeTimeout time.Duration
	officeIdle    time.Duration

	seats     int
	queueMax  int
	loadBytes int64
	ioSeats   int
	recalcs   int
	renders   int
	adaptive  bool
	classes   [flow.Background + 1]classChange // by class
	clients   map[string]int64                 // their weights

	outside          string
	profile          string
	maxCells         int
	maxPayloadBytes  int
	maxItems         int
	maxResponseBytes int
	linkTargets      string
	toolTimeout      time.Duration
	drainTimeout     time.Duration

	listen          string
	path            string
	allowedOrigins  []string
	maxConnections  int
	maxRequestBytes int64
	trustedProxies  []netip.Prefix
	allowedHosts    []string
	metrics         bool

	principals    string
	tlsCert       string
	tlsKey        string
	tlsClientCA   string
	behindTLS     bool
	oauthIssuer   string
	oauthResource string
	oauthAudience []string
	oauthKeys     string
	oauthAsk      string
	oauthClient   string
	oauthRead     string
	oauthWrite    string

	logLevel  slog.Level
	logFormat string
	logFile   string
	logWhole  bool
	auditFile string
}

// A setting is one row of the table that the flags, the environment variables, the
// keys of the configuration file, the help text and the validation are made from.
type setting struct {
	name    string // as a flag without dashes in front: "cache-bytes"
	group   string // heading in the help text
	doc     string // what it means
	def     string // default, in the form in which a user would write it
	allowed string // completes "… is not allowed; give "
	flag    bool   // a switch: on the command line it may stand without a value
	list    bool   // takes several values
	mapping bool   // a list whose values are name=value, which a file may also give as a mapping
	split   string // separators at which one text becomes several, where it is a list
	needed  bool   // a variable that is empty is a mistake, not the default
	only    string // the one subcommand whose command line takes it; "" for all
	set     func(values []string) error
}

// followed tells whether the setting takes effect when the configuration file changes, and not
// at the next start alone.
func (s *setting) followed() bool {
	switch s.group {
	case "Scheduling":
		return s.name != "adaptive"
	case "LibreOffice":
		return s.name != "office"
	}
	return false
}

// env gives the name of the environment variable of the setting.
func (s *setting) env() string {
	return "GRIDFLOW_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// settings makes the table over c. Each row's set function writes into c.
func settings(c *config) []setting {
	count := "a whole number from 0 up, where 0 means no bound"
	const count0 = "a whole number from 0 up"
	return []setting{
		text("config", "Files", "read settings from this YAML file", "", "the path of a YAML file", &c.configFile, nil),
		{
			name: "root", group: "Files", def: ".", needed: true, list: true, split: "," + string(filepath.ListSeparator),
			doc:     "directory whose workbooks are served; repeat it for several",
			allowed: "the path of a directory that exists", set: given(list(&c.roots, checkRoot)),
		},
		atLeast(1<<20, size("cache-bytes", "Files", "memory for loaded workbooks; unless given, a quarter of what the system gives the server where that is less", "512MiB", &c.cacheBytes)),
		size("memory-limit", "Files", "soft limit of the whole process; 0 derives one from cache-bytes and from what the system gives the process", "0", &c.memoryLimit),
		duration("read-timeout", "Files", "longest time that the disk or the network may take for one read of a file; a read that takes longer has failed; 0 means no bound", "30s", &c.readTimeout),

		words("toolsets", "Tools", `groups of tools to offer; "core" is the default group, "all" is every tool`, "core", "names of toolsets, comma separated", &c.toolsets, nil),
		words("tools", "Tools", "single tools to offer besides the toolsets", "", "names of tools, comma separated", &c.tools, nil),
		words("exclude-tools", "Tools", "tools that are never offered, whatever else is said", "", "names of tools, comma separated", &c.excludeTools, nil),
		{
			name: "read-only", group: "Tools", def: "false", flag: true,
			doc:     "offer only tools that change nothing",
			allowed: "true or false", set: boolean(&c.readOnly),
		},
		choice("outside-formulas", "Tools", "new formulas that reach outside of their workbook (web, other programs and workbooks, links): allow, warn in the result, or refuse", "warn", &c.outside, "allow", "warn", "refuse"),
		duration("tool-timeout", "Tools", "longest run of one call; 0 means no bound", "30s", &c.toolTimeout),
		duration("drain-timeout", "Tools", "how long calls in flight may finish once the server stops", "20s", &c.drainTimeout),

		text("state-dir", "Forks", `folder that keeps forks over restarts; "none": nothing can be edited; left out: the user's state folder`, "", "the path of a folder, or none", &c.stateDir, nil),
		count1("max-forks", "Forks", "forks that there may be", 64, &c.maxForks),
		duration("fork-ttl", "Forks", "a fork that nobody has used for so long is discarded; 0: never", "0s", &c.forkTTL),
		count1("max-checkpoints", "Forks", "checkpoints of one fork", 64, &c.maxCheckpoints),
		count1("max-staged", "Forks", "staged changes of one fork", 64, &c.maxStaged),
		number("history", "Forks", "versions back from the newest that a fork keeps at least; older ones may go, but for those that a checkpoint or a staged change is of, and all after them; 0: none goes", "0", "a whole number from 0 up, where 0 means that all are kept", &c.history),
		count1("max-edit-cells", "Forks", "cells that one call may change, and twice as many may differ from its file in a fork that is saved, merged or copied: some 250 bytes each until it is done; unless given, no more than fit a quarter of memory-limit, or of the memory that the system gives the process or the machine has", 1<<24, &c.maxEditCells),
		size("fork-bytes", "Forks", "memory for forks in use beside their workbooks; 0: a twelfth of what these take", "0", &c.forkBytes),
		{
			name: "calc-budget", group: "Forks", def: "2s",
			doc:     "what a change may spend on calculating formulas; the rest is done behind it, and results say so until then; off: nothing is calculated",
			allowed: "a time such as 500ms, 2s, more than 0, or off", set: single(func(s string) error {
				d, err := time.ParseDuration(s)
				switch {
				case s == "off":
					d = -1
				case err != nil || d <= 0:
					return errNotAllowed
				}
				c.calcBudget = d
				return nil
			}),
		},

		{
			name: "office", group: "LibreOffice", def: "auto",
			doc:     "LibreOffice for what only an office suite can do: auto, where it is installed, be that later; off; or its program folder",
			allowed: "auto, off, or the path of LibreOffice's program folder", set: single(func(s string) error {
				if s == "" {
					return errNotAllowed
				}
				c.office = s
				return nil
			}),
		},
		number("office-workers", "LibreOffice", "documents that it works on at once; 0: none; unless given, no more than have room in what the system gives. A third as many workers more, rounded up, are kept warm where they are wanted", strconv.Itoa(office.DefaultWorkers), count0, &c.officeWorkers),
		number("office-warm", "LibreOffice", "workers that are kept warm though nobody uses them, from a moment after the start on", "0", count0, &c.officeWarm),
		atLeast(400<<20, size("office-memory", "LibreOffice", "a worker with more memory than this is replaced; one that wants twice as much is ended", "600MiB", &c.officeMemory)),
		number("office-jobs", "LibreOffice", "a worker is replaced after so many documents; 0: never for that", strconv.Itoa(office.DefaultJobs), count0, &c.officeJobs),
		positiveDuration("office-timeout", "LibreOffice", "longest work on one document", office.DefaultJobTimeout.String(), &c.officeTimeout),
		positiveDuration("office-idle", "LibreOffice", "a worker that has had nothing to do for so long ends, but for those that are kept warm", "5m", &c.officeIdle),

		{
			name: "seats", group: "Scheduling", def: "0",
			doc:     "calls that compute at once; 0: one for each processor, at least 2, so that there is one for short calls",
			allowed: "0, which means one for each processor, or a whole number from 2 up: one is kept for short calls", set: single(func(s string) error {
				n, err := strconv.Atoi(s)
				if err != nil || n < 0 || n == 1 {
					return errNotAllowed
				}
				c.seats = n
				return nil
			}),
		},
		number("queue-max", "Scheduling", "calls waiting in all classes; 0: the sum of the classes", "0", "a whole number from 0 up, where 0 means the sum of the classes", &c.queueMax),
		size("load-bytes", "Scheduling", "memory that loads under way may take; 0: half of cache-bytes", "0", &c.loadBytes),
		count1("io-seats", "Scheduling", "calls that write files or copy them at once", flow.IOSeats, &c.ioSeats),
		count1("recalc-seats", "Scheduling", "workbooks that are recalculated at once", flow.RecalcSeats, &c.recalcs),
		count1("render-seats", "Scheduling", "sheets that are rendered at once", flow.RenderSeats, &c.renders),
		{
			name: "adaptive", group: "Scheduling", def: "true", flag: true,
			doc:     "let the calls of a class that run at once become fewer when they take too long, and more again",
			allowed: "true or false", set: boolean(&c.adaptive),
		},
		classSetting("fast", "calls of less than 0.1 s", &c.classes[flow.Fast]),
		classSetting("medium", "calls of less than 1 s", &c.classes[flow.Medium]),
		classSetting("slow", "longer calls", &c.classes[flow.Slow]),
		classSetting("background", "calls that nobody waits for", &c.classes[flow.Background]),

		{
			name: "clients", group: "Scheduling", list: true, mapping: true, split: ",",
			doc: "shares of single clients, as name=weight: one of weight 3 gets three times the time of one of weight 1, which is that of all others. " +
				"The name is that of a user, who has it among users and machines; or that of a program, as it says itself, which has it among those of its own user or machine",
			allowed: fmt.Sprintf("name=weight with weights from 1 to %d, each name once, at most %d", admit.WeightMax, clientsMax), set: weights(&c.clients),
		},

		choice("output-profile", "Results", "shape of results: dense text, verbose text, or compat JSON", "dense", &c.profile, "dense", "verbose", "compat"),
		choice("link-targets", "Results", "what becomes of links that link_batch is to set to files, scripts and unknown programs: they are set (allow), with a warning (warn), or not (refuse)", "warn", &c.linkTargets, "allow", "warn", "refuse"),
		number("max-cells", "Results", "cells in one result", "10000", count, &c.maxCells),
		number("max-payload-bytes", "Results", "bytes of rows in one result", "65536", count, &c.maxPayloadBytes),
		number("max-items", "Results", "entries of one list", "500", count, &c.maxItems),
		number("max-response-bytes", "Results", "bytes of one whole result", "1000000", count, &c.maxResponseBytes),

		httpOnly(text("listen", "HTTP", "address to listen at", "127.0.0.1:8079", "host:port with a port from 0 to 65535, where 0 lets the system choose; to listen at all addresses write 0.0.0.0:port or [::]:port", &c.listen, checkListen)),
		httpOnly(text("path", "HTTP", "path of the MCP endpoint", "/mcp", "a path of plain segments such as /mcp or /tools/mcp, other than /healthz, /readyz, /metrics and below /.well-known", &c.path, checkPath)),
		httpOnly(words("allowed-origins", "HTTP", "web origins whose pages may call the server", "", "origins such as https://app.example.com, comma separated", &c.allowedOrigins, checkOrigin)),
		httpOnly(words("allowed-hosts", "HTTP", "host names the server may be called by besides localhost", "", "host names without scheme and port, comma separated", &c.allowedHosts, checkHost)),
		httpOnly(number("max-connections", "HTTP", "connections at once; a machine other than this may have a quarter of them", "8192", "a whole number from 0 up, where 0 means 8192", &c.maxConnections)),
		httpOnly(atLeast(5<<20, size("max-request-bytes", "HTTP", "memory for requests at once: their bodies, and 40 KiB for each; and as much again for answers that clients do not read; a machine other than this may have a quarter of it", "256MiB", &c.maxRequestBytes))),
		httpOnly(setting{
			name: "trusted-proxies", group: "HTTP", list: true, split: ",",
			doc:     "addresses of proxies whose X-Forwarded-For says which machine calls; nobody else's counts",
			allowed: "addresses or networks such as 10.1.2.3 or 10.0.0.0/8, comma separated", set: prefixes(&c.trustedProxies),
		}),
		httpOnly(setting{
			name: "metrics", group: "HTTP", def: "true", flag: true,
			doc:     "serve metrics at /metrics, in the Prometheus text format",
			allowed: "true or false", set: boolean(&c.metrics),
		}),

		httpOnly(text("principals", "Access", "YAML file of those who may call, with hashes of their tokens (gridflow token) and the roots that each sees; left out: nobody is asked who he is", "", "the path of a file", &c.principals, nil)),
		httpOnly(text("tls-cert", "Access", "file with the server's certificate and its chain, in PEM; followed when it changes", "", "the path of a file", &c.tlsCert, nil)),
		httpOnly(text("tls-key", "Access", "file with the key of the certificate, in PEM", "", "the path of a file", &c.tlsKey, nil)),
		httpOnly(text("tls-client-ca", "Access", "file with the authorities whose certificates clients must show, in PEM; a principal may be named by the subject of one", "", "the path of a file", &c.tlsClientCA, nil)),
		httpOnly(setting{
			name: "behind-tls", group: "Access", def: "false", flag: true,
			doc:     "what connects has encrypted what comes from elsewhere: tokens may come in plain at an address of other machines",
			allowed: "true or false", set: boolean(&c.behindTLS),
		}),
		httpOnly(text("oauth-issuer", "Access", "URL of the authorization server whose access tokens are good, as they name it in iss", "", "a URL such as https://id.example.com", &c.oauthIssuer, checkSecureURL)),
		httpOnly(text("oauth-resource", "Access", "URL by which clients call this server, which they ask the authorization server for", "", "a URL such as https://sheets.example.com/mcp", &c.oauthResource, checkSecureURL)),
		httpOnly(words("oauth-audience", "Access", "what access tokens must name in aud, one of these; left out: the resource", "", "texts, comma separated", &c.oauthAudience, nil)),
		httpOnly(text("oauth-keys", "Access", "URL of the issuer's keys (JWKS); left out: its metadata say", "", "a URL such as https://id.example.com/jwks.json", &c.oauthKeys, checkSecureURL)),
		httpOnly(text("oauth-introspection", "Access", "URL at which the issuer says whether an access token is good (RFC 7662); left out: tokens are JWTs, verified by the issuer's keys", "", "a URL such as https://id.example.com/introspect", &c.oauthAsk, checkSecureURL)),
		httpOnly(text("oauth-client", "Access", "file with client_id: and client_secret: by which the issuer knows this server, wanted with oauth-introspection", "", "the path of a file", &c.oauthClient, nil)),
		httpOnly(text("oauth-read-scope", "Access", `scope that an access token needs to read; "": none`, "gridflow:read", "the name of a scope", &c.oauthRead, checkScope)),
		httpOnly(text("oauth-write-scope", "Access", `scope that it needs to change something too; "": none`, "gridflow:write", "the name of a scope", &c.oauthWrite, checkScope)),

		{
			name: "log-level", group: "Log", def: "info",
			doc:     "what is logged: debug, info, warn or error",
			allowed: "one of debug, info, warn, error", set: single(func(s string) error {
				level, ok := logLevels[strings.ToLower(s)]
				if !ok {
					return errNotAllowed
				}
				c.logLevel = level
				return nil
			}),
		},
		choice("log-format", "Log", "form of the log: text or json", "text", &c.logFormat, "text", "json"),
		text("log-file", "Log", "append the log to this file (mode 0600) instead of standard error", "", "the path of a file", &c.logFile, nil),
		{
			name: "log-contents", group: "Log", def: "false", flag: true,
			doc:     "log what errors quote, which may be contents of cells and arguments of calls",
			allowed: "true or false", set: boolean(&c.logWhole),
		},
		text("audit-file", "Log", "append to this file (mode 0600) who has changed what: one line of JSON for each call that may change something, without contents", "", "the path of a file", &c.auditFile, nil),
	}
}

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// The constructors of rows. Each takes name, group, doc, default and where the value goes.

func text(name, group, doc, def, allowed string, p *string, check func(string) error) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: allowed, set: single(func(s string) error {
		if check != nil {
			if err := check(s); err != nil {
				return err
			}
		}
		*p = s
		return nil
	})}
}

func choice(name, group, doc, def string, p *string, values ...string) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: "one of " + strings.Join(values, ", "), set: single(func(s string) error {
		for _, v := range values {
			if s == v {
				*p = s
				return nil
			}
		}
		return errNotAllowed
	})}
}

func number(name, group, doc, def, allowed string, p *int) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: allowed, set: single(func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return errNotAllowed
		}
		*p = n
		return nil
	})}
}

// count1 is a number of which there is at least one.
func count1(name, group, doc string, def int, p *int) setting {
	return setting{name: name, group: group, doc: doc, def: strconv.Itoa(def), allowed: "a whole number from 1 up", set: single(func(s string) error { return positive(p, s) })}
}

func size(name, group, doc, def string, p *int64) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: "a number of bytes, or one with a unit such as 512MiB, 2GiB, 64MB", set: single(func(s string) error {
		n, err := parseSize(s)
		if err != nil {
			return err
		}
		*p = n
		return nil
	})}
}

// atLeast gives a size a lower bound.
func atLeast(least int64, s setting) setting {
	set := s.set
	s.allowed += ", at least " + strconv.FormatInt(least, 10)
	s.set = func(values []string) error {
		if n, err := parseSize(values[len(values)-1]); err == nil && n < least {
			return valueError{strings.TrimSpace(values[len(values)-1]), errNotAllowed}
		}
		return set(values)
	}
	return s
}

func duration(name, group, doc, def string, p *time.Duration) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: "a time such as 500ms, 30s, 2m", set: single(func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errNotAllowed
		}
		*p = d
		return nil
	})}
}

// positiveDuration is a duration of more than nothing.
func positiveDuration(name, group, doc, def string, p *time.Duration) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: "a time such as 500ms, 30s, 2m, more than 0", set: single(func(s string) error { return parseWait(p, s) })}
}

func words(name, group, doc, def, allowed string, p *[]string, check func(string) error) setting {
	return setting{name: name, group: group, doc: doc, def: def, allowed: allowed, list: true, split: ",", set: list(p, check)}
}

func httpOnly(s setting) setting { s.only = "http"; return s }

var errNotAllowed = errors.New("not allowed")

// single adapts a parser of one text to a row; of several texts the last one counts.
func single(parse func(string) error) func([]string) error {
	return func(values []string) error {
		s := strings.TrimSpace(values[len(values)-1])
		if err := parse(s); err != nil {
			return valueError{s, err}
		}
		return nil
	}
}

func boolean(p *bool) func([]string) error {
	return single(func(s string) error {
		v, err := strconv.ParseBool(s)
		if err != nil {
			return errNotAllowed
		}
		*p = v
		return nil
	})
}

// list adapts a check of one element to a row that takes several values; empty
// elements fall out.
func list(p *[]string, check func(string) error) func([]string) error {
	return func(values []string) error {
		var kept []string
		for _, v := range values {
			if v = strings.TrimSpace(v); v == "" {
				continue
			}
			if check != nil {
				if err := check(v); err != nil {
					return valueError{v, err}
				}
			}
			kept = append(kept, v)
		}
		*p = kept
		return nil
	}
}

// given refuses to be told nothing, where nothing would mean something that nobody wrote.
func given(set func([]string) error) func([]string) error {
	return func(values []string) error {
		for _, v := range values {
			if strings.TrimSpace(v) == "" {
				return valueError{v, errNotAllowed}
			}
		}
		if len(values) == 0 {
			return valueError{"", errNotAllowed}
		}
		return set(values)
	}
}

// valueError is a value that a setting refused, and why.
type valueError struct {
	value string
	err   error
}

func (e valueError) Error() string { return fmt.Sprintf("%q: %v", e.value, e.err) }

// parseSize reads a number of bytes with an optional unit: kB, MB, GB are powers of
// 1000, KiB, MiB, GiB powers of 1024; letter case and blanks do not matter.
func parseSize(s string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(s))
	factor := int64(1)
	for _, u := range []struct {
		suffix string
		factor int64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(lower, u.suffix); ok {
			lower, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(lower, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, errNotAllowed
	}
	return n * factor, nil
}

func checkRoot(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such directory")
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("that is a file; to serve a single workbook give the directory it is in")
	}
	return nil
}

func checkListen(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	// No host means all addresses to the system; whoever wants that says so.
	if err != nil || host == "" {
		return errNotAllowed
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errNotAllowed
	}
	return nil
}

// checkPath asks for a path that means itself: a client could not ask for any other, and
// what stands for something in a pattern would not be served as it is written.
func checkPath(p string) error {
	if !strings.HasPrefix(p, "/") || p == "/" || p != path.Clean(p) || p == "/healthz" || strings.HasPrefix(p, "/.well-known/") || p == "/readyz" || p == "/metrics" ||
		strings.ContainsFunc(p, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.~", r))
		}) {
		return errNotAllowed
	}
	return nil
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errNotAllowed
	}
	return nil
}

// prefixes adapts a list of networks to a row; an address is a network of one.
func prefixes(p *[]netip.Prefix) func([]string) error {
	return func(values []string) error {
		var all []netip.Prefix
		for _, v := range values {
			if v = strings.TrimSpace(v); v == "" {
				continue
			}
			network, err := netip.ParsePrefix(v)
			if addr, addrErr := netip.ParseAddr(v); addrErr == nil {
				addr = addr.Unmap()
				network, err = addr.Prefix(addr.BitLen())
			}
			if err != nil {
				return valueError{v, errNotAllowed}
			}
			all = append(all, network.Masked())
		}
		*p = all
		return nil
	}
}

// checkSecureURL asks for a URL at which nobody on the way can answer for another.
func checkSecureURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return errNotAllowed
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())) {
		return errors.New("it has to begin with https, or lie on this machine")
	}
	return nil
}

// checkScope asks for one scope as RFC 6749 has it.
func checkScope(scope string) error {
	if strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		return errNotAllowed
	}
	return nil
}

func checkHost(host string) error {
	if strings.ContainsAny(host, "/: \t") {
		return errNotAllowed
	}
	return nil
}
