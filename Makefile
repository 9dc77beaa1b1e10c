# The one door of this project. CI runs these targets and nothing else.
SHELL      := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DIR   ?= build/demo
export CGO_ENABLED := 0
# What is built and what is tested are compiled alike, and so once.
export GOFLAGS := -trimpath

# Tests with virtual machines run one after another: an emulated machine takes every processor that it gets.
VM_PACKAGES := ./drills/instance/qemu ./drills/fault
VM_TESTS    := ^TestVM

GO_FILES := $(shell git ls-files '*.go' 2>/dev/null)

.PHONY: help setup build images demo-files demo test check fix bench busy clean foreign shelf test-kill test-long small-files \
	other-versions browser kinds vm-images vm-files demo-vm test-vm s3-server race govulncheck audit-demo demo-nightly wiki \
	test-files suite-alone suite-sidecar suite-machines suite-waiting

help: ## what there is to do
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing from Debian (Docker, mmdebstrap); says what a person must install
	@ci/images/install.sh

build: bin/lifeboat bin/lifeboat-k6 ## bin/lifeboat and bin/lifeboat-k6, both static

# The program of sandboxes is inside bin/lifeboat: one file is all that a user copies.
SANDBOX := internal/sandbox/program/embedded/lifeboat-sandbox

$(SANDBOX): $(wildcard cmd/lifeboat-sandbox/*.go internal/sandbox/*.go internal/tree/*.go internal/tarend/*.go) go.mod go.sum
	@GOOS=linux go build -trimpath -ldflags "-s -w -buildid=" -o $@ ./cmd/lifeboat-sandbox

bin/lifeboat: $(SANDBOX) $(GO_FILES) go.mod go.sum $(wildcard scenarios/library/*.yaml reports/messages/*.yaml reports/templates/*)
	@go build -trimpath -ldflags "-s -w" -o $@ ./cmd/lifeboat

bin/lifeboat-k6: $(wildcard cmd/lifeboat-k6/*.go cmd/lifeboat-k6/*/*.go) cmd/lifeboat-k6/go.mod cmd/lifeboat-k6/go.sum
	@cd cmd/lifeboat-k6 && go build -trimpath -ldflags "-s -w" -o ../../$@ .

images: setup ## container images of the demo, from Debian packages
	@ci/images/postgres.sh
	@ci/demo/images.sh

# What backups of other kinds are restored into; tests with them ask for it.
kinds: setup ## container images of MariaDB, Redis, etcd and the backup tools, from Debian packages
	@ci/images/kinds.sh

other-versions: setup ## container images of other versions of the servers, which make test-long tries; from Debian 11, 13 and sid
	@ci/images/others.sh

demo-files: setup build images ## a folder to drill in, DIR=build/demo: scenarios, flows and real backups
	@mkdir -p $(DIR)/flows
	@for s in $(filter-out kernel-% deleted-%,$(basename $(notdir $(wildcard scenarios/library/*.yaml)))); do bin/lifeboat new --from $$s $(DIR) >/dev/null; done
	@LIFEBOAT_BACKUP_MAX_AGE=$${LIFEBOAT_BACKUP_MAX_AGE:-72000} ci/demo/backup.sh $(DIR)

demo: demo-files ## the main job on real input: restore, break, roll back, prove, report
	@bin/lifeboat drill $(DIR)/db-unreachable-after-upgrade.yaml

audit-demo: build ## a quarter out of real journals: signed, exported, and verified elsewhere with the public key only
	@ci/replay/demo.sh

foreign: setup build images ## a foreign application with a migration, drilled through scenario files alone
	@mkdir -p build/foreign/flows
	@cp ci/foreign/*.yaml ci/foreign/rollback.sh build/foreign/
	@cp ci/foreign/flows/*.js build/foreign/flows/
	@ci/foreign/build.sh build/foreign
	@ci/foreign/backup.sh build/foreign

wiki: setup build kinds ## MediaWiki with MariaDB and uploaded files: its image, its backups, and three ways back
	@ci/wiki/image.sh
	@mkdir -p build/wiki/flows
	@cp ci/wiki/*.yaml build/wiki/
	@cp ci/wiki/flows/*.js build/wiki/flows/
	@ci/wiki/backup.sh build/wiki

small-files: setup build images ## the demo's backups with 200 orders: drills of a few seconds, for tests
	@mkdir -p build/small/flows
	@for s in db-unreachable-after-upgrade deleted-by-mistake; do bin/lifeboat new --from $$s build/small >/dev/null; done
	@SHOP_ORDERS=200 MISTAKE=orders LIFEBOAT_BACKUP_MAX_AGE=$${LIFEBOAT_BACKUP_MAX_AGE:-72000} ci/demo/backup.sh build/small

vm-images: setup ## QEMU's image, and the disk of a machine with a third-party kernel module
	@ci/images/qemu.sh
	@ci/vm/build.sh build/vm

vm-files: vm-images build images ## a folder to drill virtual machines in, build/demo-vm
	@ci/vm/files.sh build/vm build/demo-vm

demo-vm: vm-files ## a kernel upgrade that loses a module, and three ways back, on a real machine
	@bin/lifeboat drill build/demo-vm/kernel-module-conflict.yaml

# What the store of kind s3 is tested against: a program of its own, whose dependencies never enter go.mod.
S3_SERVER := build/tools/versitygw@v1.8.0

s3-server: $(S3_SERVER) ## a real S3 server for tests, which verifies signatures

$(S3_SERVER):
	@rm -f build/tools/versitygw*
	@GOBIN=$(CURDIR)/build/tools go install -trimpath -ldflags "-s -w" github.com/versity/versitygw/cmd/$(@F)
	@mv build/tools/versitygw $@

# What must not meet the sweep that every other drill begins with, and drills that wait most of the time: for a deadline, or an engine that is away.
ALONE   := TestKilledTogether
WAITING := TestKeep|TestDeadline|TestStoppedEngine|TestStoppedEngineReaper

# Packages that take longest begin first, so that none of them is alone at the end.
LONGEST := ./drills/instance/docker ./drills/restore/postgres ./drills/store/restic ./drills/restore/basebackup ./drills/restore/mariadbbackup \
	./verifier/data ./verifier/database/postgres

test-files: demo-files small-files foreign kinds vm-files s3-server ## what the tests drill on; with -j machines and containers are built side by side

# make check has vetted all. Tests with containers, and drills, wait more than they compute: more of them run at a time than there are processors. An
# emulated machine takes every processor that it gets, and the less it gets the longer it boots: beside it runs what waits.
test: ## every test, the real drills included; what each suite and package took
	@$(MAKE) --no-print-directory -j3 test-files
	@ci/suite.sh --begin
	@ci/suite.sh packages go test -vet=off -timeout 30m -p 3 -parallel 4 $$(go list $(LONGEST) ./... | grep -v -e '^lifeboat/ci$$' -e '^lifeboat/ci/shelf$$')
	@$(MAKE) --no-print-directory -k -j2 suite-alone suite-sidecar
	@ci/suite.sh drills go test -vet=off -timeout 60m -parallel 3 ./ci ./ci/shelf -skip '^($(ALONE)|$(WAITING))$$'
	@$(MAKE) --no-print-directory -k -j2 suite-machines suite-waiting
	@ci/suite.sh --print

suite-alone:
	@ci/suite.sh alone go test -vet=off -timeout 30m ./ci -run '^($(ALONE))$$'

suite-sidecar:
	@ci/suite.sh sidecar go -C cmd/lifeboat-k6 test -vet=off -timeout 20m ./...

suite-machines:
	@LIFEBOAT_VM=some ci/suite.sh machines go test -vet=off -timeout 60m -p 1 ./drills/instance/qemu ./ci -run '$(VM_TESTS)'

suite-waiting:
	@ci/suite.sh waiting go test -vet=off -timeout 60m -parallel 2 ./ci -run '^($(WAITING))$$'

# SHELF='-kind redis' verifies some of it; SHELF=-resume goes on with a run that was stopped.
shelf: build images kinds vm-images ## broken backups of every kind, and odd good ones: which of them lifeboat calls good, and which bad
	@go run ./ci/shelf $(SHELF)

demo-nightly: build images kinds vm-images ## a night of twenty-three backups of every kind, three of them broken, and its page
	@rm -rf build/nightly && mkdir -p build/nightly
	@go run ./ci/shelf -night build/nightly
	@bin/lifeboat verify --home build/nightly/home build/nightly/nightly.yaml || [ $$? = 1 ]
	@ls build/nightly/home/nights/*.html

test-kill: demo-files small-files ## kill the harness after every event in turn, and in between; prints the table of times
	@LIFEBOAT_KILL=all go test -timeout 120m -count=1 -v -run 'TestKilled|TestAborted|TestDeadline|TestKeep|TestMany|TestStopped' ./ci

test-vm: vm-files s3-server ## every test with virtual machines, the long ones included
	@LIFEBOAT_VM=all go test -timeout 180m -count=1 -v -p 1 $(VM_PACKAGES) ./ci -run '$(VM_TESTS)'

browser: ## Chromium, in which make test-long looks at reports, its image, which prints them as PDF, and LibreOffice's, which opens the workbook
	@ci/images/install.sh --browser
	@ci/images/chromium.sh
	@ci/images/libreoffice.sh

test-long: browser other-versions wiki test-kill test-vm ## every table whole: minutes to hours, run by hand
	@LIFEBOAT_LONG=1 go test -timeout 120m -count=1 $$(go list ./... | grep -v '^lifeboat/ci$$')
	@LIFEBOAT_LONG=1 go test -timeout 120m -count=1 ./ci

check: race ## architecture, vet, staticcheck, actionlint, format, schema and catalogues in step, and the race detector
	@test -z "$$(gofmt -l $(GO_FILES))" || { gofmt -l $(GO_FILES); echo "make fix formats them"; exit 1; }
	@go vet ./...
	@cd cmd/lifeboat-k6 && go vet ./...
	@go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	@go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 ci/templates/github.yaml
	@go test -vet=off -count=1 ./ci/architecture ./ci/schema ./scenarios/... ./reports/...

# Where goroutines meet and no container is needed. The race detector wants a C compiler, as nothing else does.
RACE_PACKAGES := ./drills ./drills/record ./drills/ledger ./drills/detect ./drills/store ./drills/store/chunks ./drills/store/remote \
	./drills/instance ./drills/instance/fake

race: $(SANDBOX) ## the race detector over the packages that need no container
	@command -v gcc >/dev/null || { echo "race: a C compiler is missing: make setup installs gcc"; exit 2; }
	@CGO_ENABLED=1 go test -race -vet=off -timeout 20m $(RACE_PACKAGES)

govulncheck: ## known vulnerabilities in what is linked; needs a network
	@go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
	@cd cmd/lifeboat-k6 && go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

fix: ## format, regenerate the schema and the golden files
	@gofmt -w $(GO_FILES)
	@go generate ./...

bench: build images kinds vm-files ## ratios measured in one run; never part of the tests
	@ci/bench/run.sh

busy: demo-files ## the demo and a truncated dump beside 4 and 40 processes that burn the processors; half an hour
	@ci/bench/busy.sh

clean: ## remove what make made here
	@rm -rf bin build $(SANDBOX)
