# The one entry to everything: `make` alone lists the targets. Each works on a fresh clone and says what it does.
SHELL := /bin/bash
CARGO ?= cargo
BIN := $(or $(CARGO_TARGET_DIR),target)/release/konfido
export KONFIDO_PYTHON ?= $(CURDIR)/target/interop/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz interop soak docs build setup-build setup-test

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## a doctor in Denmark reads an Italian patient's summary, over real sockets, on this machine
	@$(BIN) demo

test: setup-test ## every test, and other people's software as client and judge
	@echo "== tests: cargo"
	$(CARGO) test --release --locked --workspace --no-fail-fast
	@echo "== tests: other people's software"
	@bash interop/run.sh

check: ## format, lints, direction of dependencies, licences and sources, generated documents
	$(CARGO) fmt --all --check
	@python3 scripts/check-deps.py
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@bash scripts/deny.sh
	@python3 scripts/check-docs.py

bench: build ## every benchmark; writes docs/benchmarks.md
	@bash scripts/bench.sh $(BIN)

fuzz: ## every fuzz target for 60 seconds (SECONDS_EACH=n for another time)
	@bash scripts/fuzz.sh

interop: setup-test build ## only the part of `make test` where somebody else's software is the judge
	@bash interop/run.sh

soak: setup-test build ## what takes over a minute: long simulations, kill -9 under load
	@bash scripts/soak.sh $(BIN)

docs: ## the book, into docs/book
	@command -v mdbook >/dev/null || $(CARGO) install --locked mdbook
	mdbook build docs

build: setup-build
	@echo "== build: one profile, one binary"
	$(CARGO) build --release --locked -p konfido

setup-build:
	@bash scripts/setup.sh build

setup-test:
	@bash scripts/setup.sh test
