# Needs make and Python 3.12 or newer; everything else is installed into .venv.
# `make help` lists what can be made.

SHELL := /bin/sh
# The tests start hundreds of programs, and each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
PY := .venv/bin/python
# Names promise nothing (a missing pyenv version falls through to an older python3): each one's version is tested.
PYTHONS = $(PYTHON) python3.14 python3.13 python3.12 python3 $(wildcard $(HOME)/.pyenv/versions/*/bin/python3) \
	$(wildcard /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9])
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 12))
HAS_PIP = import ensurepip, venv
INSTALLED = .venv/installed-$(shell cat requirements.txt requirements-dev.txt | cksum | tr ' ' '-')
# Terra's own JavaScript client, which the tests run against the sandbox, and an authorization server of others.
SDKS = tests/sandbox/sdks
SDKS_INSTALLED = $(SDKS)/node_modules/installed-$(shell cksum < $(SDKS)/package-lock.json | tr ' ' '-')
OIDC = tests/sources/oauth2/oidc
OIDC_INSTALLED = $(OIDC)/node_modules/installed-$(shell cksum < $(OIDC)/package-lock.json | tr ' ' '-')
MADE = .venv/made-by-make
RELEASE = scope-desk-$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' portal/__init__.py)
SERVE ?= 1
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo screenshots test lint format messages bench bench-desk lock release start stop clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED)  ## make .venv and install what is pinned in it

demo: setup  ## show it all with made-up people, then serve the admin until Ctrl-C (SERVE=0: do not serve)
	@SERVE=$(SERVE) $(PY) -m portal.demo

screenshots: setup  ## picture every screen of the demo into var/screenshots (ARGS=docs: the pictures in docs/)
	@$(PY) -m tests.screenshots $(ARGS)

test: setup $(SDKS_INSTALLED) $(OIDC_INSTALLED)  ## run the tests, in parallel (ARGS="tests/portal -k csp" for some of them)
	@$(PY) -m portal.database run $(PY) -m pytest -n auto --dist worksteal $(ARGS)

lint: setup  ## check style, types, imports, spelling and migrations; changes nothing
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	find templates -name '*.html' -exec .venv/bin/djade --check --target-version 6.1 {} +
	.venv/bin/codespell
	.venv/bin/hadolint deploy/Dockerfile
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
	.venv/bin/caddy validate --adapter caddyfile --config deploy/Caddyfile 2>&1 | grep -x 'Valid configuration'
	$(PY) -m portal.database run sh -c '$(PY) manage.py makemigrations --check --dry-run && $(PY) manage.py lintmigrations'

format: setup  ## put code and templates into the one style
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
	find templates -name '*.html' -exec .venv/bin/djade --target-version 6.1 {} +

messages: setup  ## collect the sentences to translate into locale/ and compile it (ARGS=fr begins a language)
	@$(PY) -m portal.messages $(ARGS)

bench: setup  ## measure, on a PostgreSQL of its own
	@$(PY) -m benchmarks $(ARGS)

bench-desk: setup  ## measure every screen over 1,000,000 people (ARGS="--connections 20000 --requests 20" for a quick look)
	@$(PY) -m benchmarks --only desk $(ARGS)

lock: setup  ## pin requirements*.in anew, with hashes (needs the network)
	.venv/bin/uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet \
		--output-file requirements.txt requirements.in
	.venv/bin/uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet \
		--output-file requirements-dev.txt requirements-dev.in

release: setup  ## put what is committed into dist/ as an archive, with what it is made of (SBOM, CycloneDX) and checksums
	@test -z "$$(git status --porcelain)" || { echo "Commit or stash first: a release is what is committed." >&2; exit 1; }
	@mkdir -p dist
	git archive --format=tar --prefix=$(RELEASE)/ HEAD | gzip -9 -n > dist/$(RELEASE).tar.gz
	@printf '[project]\nname = "scope-desk"\nversion = "%s"\n' $(RELEASE:scope-desk-%=%) > dist/project.toml
	.venv/bin/cyclonedx-py requirements --no-validate --output-reproducible --pyproject dist/project.toml \
		--output-file dist/$(RELEASE).cdx.json requirements.txt 2>/dev/null
	@rm dist/project.toml
	cd dist && sha256sum $(RELEASE).tar.gz $(RELEASE).cdx.json > $(RELEASE).sha256

start: setup  ## start the embedded PostgreSQL and leave it running, for manage.py
	@$(PY) -m portal.database start

stop:  ## stop the embedded PostgreSQL
	@test ! -x $(PY) || $(PY) -m portal.database stop

clean:  ## delete .venv, the embedded database, and what the demo and the tools left; nothing that make did not make
	@test ! -x $(PY) || $(PY) -m portal.demo remove
	@test ! -x $(PY) || $(PY) -m portal.database remove
	@if test -e $(MADE); then rm -rf .venv; elif test -e .venv; then echo ".venv was not made by make, and stays."; fi
	rm -rf var/screenshots $(SDKS)/node_modules $(OIDC)/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find benchmarks portal scopes tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f dist/scope-desk-*
	@rmdir var dist 2>/dev/null || true

# A hash in the name, not a time: after a checkout all files are new, and nothing need be installed again.
$(INSTALLED): $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@rm -f .venv/installed-* && touch $@

$(SDKS_INSTALLED): $(INSTALLED)
	@.venv/bin/npm ci --prefix $(SDKS) --silent --no-audit --no-fund --ignore-scripts && touch $@

$(OIDC_INSTALLED): $(INSTALLED)
	@.venv/bin/npm ci --prefix $(OIDC) --silent --no-audit --no-fund --ignore-scripts && touch $@

$(PY):
	@if test -d .venv && test ! -e $(MADE); then echo ".venv has no Python and was not made by make. Move it away." >&2; exit 1; fi; \
	for python in $(PYTHONS); do \
		"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null || continue; \
		"$$python" -c '$(HAS_PIP)' 2>/dev/null || { bare="$$python"; continue; }; \
		echo "Making .venv with $$python"; "$$python" -m venv --clear .venv && exec touch $(MADE); exit 1; \
	done; \
	if uv --version >/dev/null 2>&1; then echo "Making .venv with uv"; uv venv --quiet --clear --seed --python '>=3.12' .venv && exec touch $(MADE); exit 1; fi; \
	if [ -n "$$bare" ]; then \
		version=$$("$$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "$$bare cannot make environments. On Debian and Ubuntu: apt-get install python$$version-venv" >&2; \
	else \
		echo "Python 3.12 or newer is needed, and none was found. Install one, or say: make PYTHON=/path/to/python" >&2; \
	fi; exit 1
