# The two commands of a newcomer are `make demo` and `make test`.

CARGO ?= cargo
SW = target/release/sw
STREAM = streams/debian-mini
# Building images needs root; the rest does not.
ROOT = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo test examples build lint bench generate check fuzz clean-demo

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-12s %s\n' "$$name" "$$text"; done

build: ## Build the release binary, target/release/sw
	$(CARGO) build --release --package sw

demo: ## Install what is missing, build sw, build a small distribution end to end
	@scripts/packages demo
	@$(MAKE) --no-print-directory build
	$(ROOT) $(SW) build $(STREAM)

test: ## Run all tests, then all examples
	@scripts/packages test
	@if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --workspace; else $(CARGO) test --workspace; fi
	@$(MAKE) --no-print-directory examples

examples: ## Run all examples, each in a home of its own; make examples ONLY=matrix runs those
	@scripts/packages test
	@$(CARGO) build --quiet --workspace --bins
	@$(ROOT) target/debug/xtask examples --sw target/debug/sw $(if $(ONLY),--only $(ONLY))

lint: ## Formatting and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

generate: ## Write generated references again
	$(CARGO) xtask generate

check: ## Drift of generated files, parity with Tekton, dependency rules, file sizes
	$(CARGO) xtask check

fuzz: ## Damaged input for everything that reads input, for SECONDS=60
	$(CARGO) xtask fuzz $(or $(SECONDS),60)

bench: ## Measure; prints one table (docs/benchmarks.md keeps results)
	@scripts/packages test
	@$(MAKE) --no-print-directory build
	$(ROOT) benches/run $(SW)
