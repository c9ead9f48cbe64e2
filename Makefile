# Everything needs Go and a C compiler (SQLite is built from its C source) and nothing else.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TAGS    := sqlite_fts5,netgo,osusergo,sqlite_omit_load_extension
# One set of flags for what is checked and what is shipped: SQLite's C source, a minute of one core, is compiled once for all of it.
FLAGS   := -trimpath -tags $(TAGS)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
BIN      := bin/bascule

export CGO_ENABLED := 1
# SQLite calls fsync where it is not told that there is fdatasync. Its log is written over again and again, so that its size stays, and only the
# time of writing would be synced besides: four pages took 0.5 to 4.4 ms with fsync and, in turns, 0.3 to 1.0 ms with fdatasync.
# Without -g, which Go sets: the linker strips it from what is shipped, and it takes a quarter of the compiler's time.
export CGO_CFLAGS := $(filter-out -DHAVE_FDATASYNC=1,$(or $(CGO_CFLAGS),-O2)) -DHAVE_FDATASYNC=1

# The race detector does not look into C, nor does fuzzing: there half of the compiler's time must do.
CGO_CFLAGS_O1 := $(patsubst -O2,-O1,$(CGO_CFLAGS))

.PHONY: compile build static demo demo-check test race fuzz crash stress bench bench-short share deb docker docker-test lint clean

build: ## bin/bascule
	$(GO) build $(FLAGS) -ldflags '$(LDFLAGS)' -o bin/bascule ./cmd/bascule

static: ## $(BIN) without shared libraries, for an empty container image
	$(GO) build $(FLAGS),timetzdata -ldflags '$(LDFLAGS) -linkmode external -extldflags "-static"' -o $(BIN) ./cmd/bascule

demo: build ## a sample server on loopback
	bin/bascule demo

# What promises times to users is tested by itself: beside other packages the processor is not its own. crash and stress are targets of their own too.
TIMED  := internal/proctest
ALONE  := internal/crashtest internal/stresstest
# What takes longest begins first, so that at the end it does not keep one processor busy alone.
LONG   := ./maildir ./imap ./cmd/bascule
space  := $(subst ,, )
but     = $$($(GO) list $(FLAGS) ./... | grep -vE '/($(subst $(space),|,$(1)))$$')

compile: ## what test and race need before they begin, so that this can be done while something else is waited for
	$(GO) build $(FLAGS) ./...
	CGO_CFLAGS='$(CGO_CFLAGS_O1)' $(GO) build $(FLAGS) -race ./...

# lint vets everything; go test would do a part of that again.
CHECK := $(GO) test $(FLAGS) -vet=off

test: ## all tests that need no other program
	$(CHECK) -timeout 10m $(LONG) $(call but,$(TIMED))
	$(CHECK) -timeout 10m ./$(TIMED)

# A program with the race detector sleeps for a second before it exits, unless it is told otherwise, and the tests run the program often.
race stress: export GORACE ?= atexit_sleep_ms=100
race stress fuzz: export CGO_CFLAGS := $(CGO_CFLAGS_O1)
race: ## the same under the race detector
	$(CHECK) -race -timeout 20m $(LONG) $(call but,$(TIMED) $(ALONE))
	$(CHECK) -race -timeout 20m ./$(TIMED)

fuzz: ## every fuzz target for FUZZTIME; what a package's targets run in is linked once
	.ci/fuzz $(FUZZTIME) $(GO) $(FLAGS)

KILLS ?= 100
crash: ## kill the real program KILLS times under load
	BASCULE_CRASH_KILLS=$(KILLS) $(CHECK) -count=1 -timeout 20m ./internal/crashtest

SECONDS_OF_STRESS ?= 30
stress: ## many clients on shared mailboxes under the race detector, twice SECONDS_OF_STRESS: in one process and in two
	BASCULE_STRESS_SECONDS=$(SECONDS_OF_STRESS) $(CHECK) -race -count=1 -timeout 20m ./internal/stresstest

demo-check: build ## read the demo's mail with curl by every way there is
	.ci/demo-check

# A full run takes about 50 minutes on a quiet machine; for one load: make bench BENCH="--load store-1 --size large"
bench: build bin/bascule-bench ## measure beside Dovecot 2.3 (alone where that is not installed); writes bench/results.json and docs/benchmarks.md
	@mkdir -p bench
	bin/bascule-bench --results bench/results.json --docs docs/benchmarks.md $(BENCH)

bench-short: build bin/bascule-bench ## the same loads with tiny sizes: are the answers right?
	bin/bascule-bench --short $(BENCH)

.PHONY: bin/bascule-bench
bin/bascule-bench:
	$(GO) build $(FLAGS) -o bin/bascule-bench ./cmd/bascule-bench

# The packager is run at its version and is no dependency of the program's.
NFPM        := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
DEB_VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null | sed -E 's/^v//; t; s/^/0~/')
DEB_MAINTAINER ?= Bascule <bascule@example.org>
DEB         ?= bin/
DEB_ARCH    ?= $(shell $(GO) env GOARCH)

share: ## bin/share: man pages and shell completions, from the commands' own definitions
	rm -rf bin/share && mkdir -p bin/share/man
	$(GO) build $(FLAGS),manpages -ldflags '-X main.version=$(VERSION)' -o bin/share/generate ./cmd/bascule
	bin/share/generate manpages bin/share/man
	bin/share/generate completion bash >bin/share/bascule.bash
	bin/share/generate completion zsh >bin/share/_bascule
	bin/share/generate completion fish >bin/share/bascule.fish
	gzip -n9 bin/share/man/*
	gzip -n9c CHANGELOG.md >bin/share/CHANGELOG.md.gz
	rm bin/share/generate

deb: share ## bin/bascule_VERSION_ARCH.deb, or the file DEB
	$(MAKE) static BIN=bin/static/bascule
	DEB_VERSION=$(DEB_VERSION) DEB_ARCH=$(DEB_ARCH) DEB_MAINTAINER="$(DEB_MAINTAINER)" $(GO) run $(NFPM) package -f packaging/debian/nfpm.yaml -p deb -t $(DEB)

docker: ## the image bascule:local
	docker build -t bascule:local --build-arg VERSION=$(VERSION) .

docker-test: ## build the image and try the deployment on the Docker engine of this machine
	.ci/docker-test

lint: ## vet and gofmt
	$(GO) vet $(FLAGS) ./...
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

clean:
	rm -rf bin
