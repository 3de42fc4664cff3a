# `make run` and `make test` need nothing prepared: what is missing, they install.

.NOTPARALLEL:
.PHONY: run test check bless bench bench-scale bench-instructions bench-oneshot bench-translated bench-ledger bench-micro fuzz soak deny fix

locked := $(if $(CI),--locked)
cargo_test := $(if $(shell command -v cargo-nextest),cargo nextest run,cargo test --lib --bins --tests) --workspace $(locked)
# One after the other: together they would be built with each other's features.
build_for_bench := cargo build --release $(locked) && cargo build --release $(locked) --package llmgw-bench
release := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release
python := .venv/installed
node := tests/sdk/node/node_modules/installed
browser := tests/browser/node_modules/installed
# scripts/setup installs Chromium only as root; who is not may do without, but is told so.
in_browser := @if [ -x /usr/bin/chromium ] || [ -n "$$LLMGW_CHROMIUM" ] || [ "$$(id -u)" = 0 ]; then cd tests/browser && node --test; \
	else echo "SKIPPED: tests/browser, which needs chromium: sudo apt-get install chromium fonts-noto-cjk" >&2; fi

# The main job, without any key: the built-in mock provider answers.
run:
	cargo run --release -- chat "你是谁"

# Everything: lints, the tests in Rust, and the official SDKs and a browser against a running gateway. They drive the
# binary that the tests in Rust have built: a plain `cargo build` has other features, and would compile most crates once more.
test:
	scripts/setup
	$(MAKE) check $(python) $(node) $(browser)
	INSTA_UPDATE=no $(cargo_test)
	cd tests/sdk/node && node --test
	cd tests/sdk/python && ../../../.venv/bin/python -m pytest -q
	$(in_browser)

check:
	cargo fmt --all --check
	cargo clippy $(locked) --workspace --all-targets -- --deny warnings

# Rewrites what is generated and the snapshots; read the diff before committing it.
bless:
	LLMGW_BLESS=1 INSTA_UPDATE=always cargo test --lib --bins --tests

# Beside nginx, in interleaved rounds: eight minutes (BENCH=--quick: half of one). bench/README.md says how to read it.
bench:
	scripts/setup bench
	$(build_for_bench)
	$(release)/llmgw-bench run --llmgw $(release)/llmgw $(BENCH)

# Open streams, large configurations and bodies; instructions a request; commands from start to exit; an
# Anthropic client beside an OpenAI one; ten million requests in the ledger. A minute or so each, the last one five.
bench-scale bench-instructions bench-oneshot bench-translated bench-ledger:
	scripts/setup bench
	$(build_for_bench)
	$(release)/llmgw-bench $(@:bench-%=%) --llmgw $(release)/llmgw $(BENCH)

# Single steps: head scan, splice, plan, key look-up, framing, redaction, metrics.
bench-micro:
	cargo bench $(locked) --package llmgw-bench --bench micro -- $(BENCH)

# A minute (or FUZZ=300 seconds) of each target; fuzz/README.md says what it needs. `make test` tries the same properties.
fuzz:
	cd fuzz && cargo +nightly fuzz build
	cd fuzz && for target in $$(cargo +nightly fuzz list); do \
		mkdir -p corpus/$$target && \
		cargo +nightly fuzz run $$target corpus/$$target seeds/$$target -- -max_total_time=$(or $(FUZZ),60) -timeout=10 || exit 1; \
	done

# Ten minutes (or SOAK=20m) of all faults at load, against the release build: what came of them, memory, open files.
soak:
	cargo build --release $(locked)
	LLMGW_SOAK=$(or $(SOAK),10m) LLMGW_SOAK_BINARY=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/llmgw \
		cargo test $(locked) --test it soak -- --nocapture

# Licenses, bans and sources of every dependency. Not part of `make test`: building cargo-deny takes longer than the tests' lints.
deny:
	@command -v cargo-deny >/dev/null || { echo "error: cargo-deny is missing" >&2; echo "hint: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --offline --locked check licenses bans sources

fix:
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

$(python): tests/sdk/python/requirements.txt
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement $<
	touch $@

$(node) $(browser): %/node_modules/installed: %/package-lock.json
	cd $* && npm ci
	touch $@
