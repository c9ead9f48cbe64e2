# Everything needs Go and a C compiler (SQLite is built from its C source) and nothing else.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TAGS    := sqlite_fts5,netgo,osusergo,sqlite_omit_load_extension
FLAGS   := -tags $(TAGS)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s

export CGO_ENABLED := 1

.PHONY: build static demo demo-check test race fuzz crash stress bench bench-short lint clean

build: ## bin/bascule
	$(GO) build $(FLAGS) -trimpath -ldflags '$(LDFLAGS)' -o bin/bascule ./cmd/bascule

static: ## bin/bascule without shared libraries, for an empty container image
	$(GO) build $(FLAGS) -trimpath -ldflags '$(LDFLAGS) -linkmode external -extldflags "-static"' -o bin/bascule ./cmd/bascule

demo: build ## a sample server on loopback
	bin/bascule demo

test: ## all tests that need no other program
	$(GO) test $(FLAGS) -timeout 10m ./...

race: ## the same under the race detector
	$(GO) test $(FLAGS) -race -timeout 20m ./...

fuzz: ## every fuzz target for FUZZTIME
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read dir; do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
			echo "$$dir $$f"; $(GO) test $(FLAGS) -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir; \
		done; \
	done

KILLS ?= 100
crash: ## kill the real program KILLS times under load
	BASCULE_CRASH_KILLS=$(KILLS) $(GO) test $(FLAGS) -count=1 -timeout 20m ./internal/crashtest

SECONDS_OF_STRESS ?= 30
stress: ## many clients on shared mailboxes under the race detector, twice SECONDS_OF_STRESS: in one process and in two
	BASCULE_STRESS_SECONDS=$(SECONDS_OF_STRESS) $(GO) test $(FLAGS) -race -count=1 -timeout 20m ./internal/stresstest

demo-check: build ## read the demo's mail with curl by every way there is
	.ci/demo-check

# A full run takes hours; for one load: make bench BENCH="--load store-1 --size large"
bench: build bin/bascule-bench ## measure beside Dovecot 2.3 (alone where that is not installed); writes bench/results.json and docs/benchmarks.md
	@mkdir -p bench
	bin/bascule-bench --results bench/results.json --docs docs/benchmarks.md $(BENCH)

bench-short: build bin/bascule-bench ## the same loads with tiny sizes: are the answers right?
	bin/bascule-bench --short $(BENCH)

.PHONY: bin/bascule-bench
bin/bascule-bench:
	$(GO) build $(FLAGS) -trimpath -o bin/bascule-bench ./cmd/bascule-bench

lint: ## vet and gofmt
	$(GO) vet $(FLAGS) ./...
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

clean:
	rm -rf bin
