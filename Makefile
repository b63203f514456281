# What is needed to work on gridflow. `make test` is the one that matters: it brings
# what the tests need and passes them. `make check` is what CI adds to it.

GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@latest

KILLS ?= 1000

.PHONY: test libreoffice office crash cpus scenarios soak clock interleave mutants lockcheck prove check build generate examples workbooks bench peers bench-calc structure anchors alerts conformance oracle fuzz clean

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 && echo -race)

# What the tests of LibreOffice need, on Debian and its kin; the fonts have other names in some of them.
OFFICE_PACKAGES = libreoffice-calc-nogui
OFFICE_FONTS = fonts-liberation2 fonts-liberation fonts-crosextra-carlito fonts-crosextra-caladea
APT = DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends

# How long the tests of one package may take until they are taken to hang: those of cmd/gridflow use five minutes of processor time,
# and other packages and other programs want the processors at the same time.
HANGS = 20m

## test: bring the modules, and LibreOffice where that can be installed, and run all tests
test: libreoffice
	$(GO) mod download
	$(GO) test $(RACE) -timeout $(HANGS) ./...
	$(if $(RACE),$(GO) test ./flow/sim ./internal/xlsx/splice ./internal/xlsx/patch) # one goroutine and much to compute: most of it is left out above
	$(if $(RACE),$(GO) test -run 'StructureOfCorpus|TestRanged$$' ./internal/forks ./internal/calc) # the same

## libreoffice: install LibreOffice if it is not there, as root with apt; without it the tests of it are skipped, and say so
libreoffice:
	@if [ -e /usr/lib/libreoffice/program/libmergedlo.so ] || command -v soffice >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing LibreOffice (some 90 MB) for the tests of it"; \
	  { apt-get update -q && $(APT) $(OFFICE_PACKAGES); } >/dev/null 2>&1 && \
	  { for font in $(OFFICE_FONTS); do $(APT) $$font; done >/dev/null 2>&1; true; } || \
	  echo "LibreOffice cannot be installed from here: the tests of it are skipped, those with fake workers are not"; \
	else echo "LibreOffice is not installed, and this is not root with apt: the tests of it are skipped, those with fake workers are not"; fi

# How many jobs of LibreOffice there are, a quarter of them hostile.
OFFICE_JOBS ?= 2000

## office: OFFICE_JOBS jobs for two workers of LibreOffice, a quarter of them hostile: every good one succeeds, and nothing is left
office: libreoffice
	$(GO) test -v -count=1 -timeout 120m -run TestSoak ./internal/office -office.jobs $(OFFICE_JOBS)

## structure: rows, columns and sheets that come, go and move, beside LibreOffice doing the same, over GRIDFLOW_CORPUS too; 10 minutes
structure: libreoffice
	$(GO) test -v -count=1 -timeout 60m -run 'TestLibreOfficeStructure|TestLibreOfficeCorpus|TestCorpusStructure' ./internal/xlsx/patch -office-corpus

# What schedules, and what is scheduled: where an order of goroutines could matter.
CONCURRENT = ./flow/... ./internal/admit ./internal/forks ./internal/lazy ./internal/load ./internal/obs ./internal/office ./internal/server ./internal/workspace

## cpus: the tests of what runs concurrently, on one, two, four and eight processors
cpus:
	$(GO) test $(RACE) -count=1 -timeout 20m -cpu 1,2,4,8 $(CONCURRENT)

# SPECIFIED= leaves the rounds at what CI runs, which takes some minutes.
SPECIFIED ?= -specified

## scenarios: S1 to S50 as one suite, each figure beside its bound, with as many rounds as specified (half an hour); S45 also in the build that checks the order of locks
scenarios:
	$(GO) run ./bench/scenarios $(SPECIFIED)

# How long the server is soaked.
SOAK ?= 30m

## soak: a day's churn in SOAK, after which everything is as it was; then forks against their model, and crashes, for some ten minutes
soak: # the experiment has the runtime find goroutines that wait for ever
	GOEXPERIMENT=goroutineleakprofile $(GO) test -v -count=1 -timeout 24h -run 'TestS48|TestLeaksAreTold' ./cmd/gridflow -soak $(SOAK)
	$(GO) test $(RACE) -count=1 -timeout 60m -run 'Machine|Crash|Linear' ./internal/forks -rapid.checks=1000 -rapid.steps=80 -crashes=1000

# The packages with tests that explore interleavings: those that have one under the tag.
EXPLORED := $(shell grep -rl --include='*_test.go' '^//go:build interleave' cmd flow internal | xargs -r -n 1 dirname | sort -u | sed 's,^,./,')

## interleave: vet and run the tests that explore interleavings; then all others of their packages, by themselves: a timer that
## one of them has left behind would step in where a search believes that only its threads run
interleave:
	$(GO) vet -tags interleave $(EXPLORED) ./internal/interleave/...
	$(GO) test -tags interleave -timeout $(HANGS) -run 'Explore|Mutants' $(EXPLORED)
	$(GO) test -tags interleave -timeout $(HANGS) -skip 'Explore|Mutants' $(EXPLORED) ./internal/interleave/...

## mutants: which planted fault is found by which check; those of the scheduler take minutes
mutants:
	$(GO) test -v -timeout 120m -run Mutants ./flow/kernel -mutants
	@out=$$($(GO) test -tags interleave -count=1 -v -run Mutants $(EXPLORED)); code=$$?; \
	  echo "$$out" | grep -E ' lives,|breaks|: search|^(ok|FAIL)'; exit $$code

# The packages whose locks have ranks; and the program, whose scenarios go through all of them, without those that compare times.
RANKED = ./internal/lock ./internal/actor ./internal/hub ./internal/lazy ./internal/office ./internal/analyze ./internal/book ./internal/journal ./internal/forks ./internal/workspace ./internal/server ./flow ./flow/batch ./flow/breaker ./flow/mcpflow
TIMED = TestS15|TestS16|TestS28|TestS42
# One caller and many draws, in internal/forks: the others of that package take the same locks.
ALONE = ^TestMetamorphic$$|^TestBesidesCells$$|^TestLines$$|^TestLinesMerged$$

## lockcheck: tests in a build that crashes where locks are taken out of order or wait for each other
lockcheck:
	$(GO) vet -tags lockcheck ./internal/lock
	env -u GRIDFLOW_CORPUS $(GO) test -tags lockcheck -timeout $(HANGS) -skip '$(TIMED)|$(ALONE)' ./cmd/gridflow $(RANKED)

## clock: the server while the clock on the wall jumps by ten years; builds the standard library anew, with such a clock
clock:
	$(GO) test -v -count=1 -timeout 20m -run TestFault_ClockJumps ./cmd/gridflow -clock

## crash: the journal at every crash point, with every byte damaged, and KILLS processes killed while they append; and the server, while it edits and saves
crash:
	$(GO) test -v -timeout 120m -run 'Kill|Crash|BitFlips' ./internal/journal -kills $(KILLS) -seeds 8 -rapid.checks 1000
	$(GO) test -v -timeout 120m -run TestS37 ./cmd/gridflow -kills $(KILLS)

## prove: the protocol of permits in a model checker (needs spin and a C compiler)
prove:
	flow/prove/run.sh

## check: formatting, vet (for Windows and macOS too), staticcheck, and known vulnerabilities where their database can be reached
check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt has something to say of:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	@for os in windows darwin; do echo "$(GO) vet ./... for $$os"; GOOS=$$os $(GO) vet ./... || exit 1; done
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags interleave $(EXPLORED) ./internal/interleave/...
	$(GO) run $(STATICCHECK) -tags lockcheck ./internal/lock
	@out=$$($(GO) run $(GOVULNCHECK) ./... 2>&1); code=$$?; echo "$$out" | tail -n 20; \
	  if [ $$code -ne 0 ] && echo "$$out" | grep -qE 'dial tcp|no such host|Forbidden|fetching vulnerabilities|connection refused|http.* 40[0-9]'; then \
	    echo "govulncheck: the database cannot be reached from here; not checked"; exit 0; fi; exit $$code

## build: the program, in bin/
build:
	$(GO) build -trimpath -o bin/gridflow ./cmd/gridflow

## generate: what is made from the code and kept in the repository
generate:
	$(GO) run ./cmd/gridflow tools --markdown --toolsets all > docs/tools.md
	$(GO) test ./internal/tools -run 'Schema|Golden' -update
	$(GO) test ./internal/obs -run 'Golden|Docs|Shipped' -update
	$(GO) test ./internal/imports -update
	$(GO) test ./internal/calc -run TestDocument -update

## examples: the example workbooks, anew
examples:
	$(GO) run ./examples/gen

WORKBOOKS ?= $(CURDIR)/bin/workbooks

## workbooks: the benchmark workbooks W1…W5 (110 MB)
workbooks: $(WORKBOOKS)/W2.xlsx
$(WORKBOOKS)/W2.xlsx:
	$(GO) run ./bench/gen -out $(WORKBOOKS)

## bench: the benchmarks, on the workbooks
bench: workbooks
	GRIDFLOW_WORKBOOKS=$(WORKBOOKS) $(GO) test -run '^$$' -bench . ./...

# Where other programs are brought that gridflow is compared with: never into the repository.
PEERS ?= $(or $(TMPDIR),/tmp)/gridflow-peers

## peers: other programs' readers and ours, in one run, as ratios; then other MCP servers and libraries (docs/peers.md), brought into PEERS
peers: workbooks
	cd bench/peers && $(GO) run . -books $(WORKBOOKS)
	bench/peers/servers/install.sh $(PEERS)
	cd bench/peers && $(GO) run ./servers -books $(WORKBOOKS) -tools $(PEERS)

## bench-calc: LibreOffice's, excelize's and our calculation of the workbooks of the speed goals, in one run, as ratios
bench-calc:
	cd bench/calc && $(GO) run .

## anchors: other schedulers and ours, in virtual time, as tables; what a seat costs
anchors:
	cd bench/anchors && $(GO) test -v -timeout 30m -run Side . && $(GO) test -run '^$$' -bench . .

## alerts: each alert that is shipped, in Prometheus's own engine, over what a server says to which it happens
alerts:
	cd bench/observability && $(GO) test -timeout 20m ./...

## conformance: real MCP clients (needs npm)
conformance:
	bench/conformance/run.sh

FUZZTIME ?= 10m

## oracle: the formulas of the functions' tables, calculated by LibreOffice beside us; what differs is listed
oracle:
	$(GO) test -v -count=1 -timeout 10m -run TestOracle ./internal/calc -oracle

## fuzz: every fuzz target for FUZZTIME; to make each new input smaller, for a minute, would take all of it where inputs are long
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	  done; done

clean:
	rm -rf bin bench/conformance/node_modules bench/conformance/results
