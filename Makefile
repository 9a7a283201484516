# make demo: the whole pipeline on the embedded data, from a clean clone. make test: everything that proves it.
# make up, make down: servers and a worker on this machine, so that the same runs from Prefect's UI.
# the Python that environments are made with: the first of 3.11, 3.12 and 3.13 that is there, if none is named
PYTHON ?=
CONTROL := .venv/control/bin
ENGINE := .venv/engine/bin
DOCS := .venv/docs/bin
# cpu, or cuda for machines with an NVIDIA GPU
DEVICE ?= cpu
MODEL := .models/SmolLM2-135M-Instruct.Q4_1.gguf
# the encoder that recipes measure by default; stillhouse/recipe/encoder.py has its name too
ENCODER := .models/all-MiniLM-L6-v2-int8
# the same encoder with float weights, of which a student is made
STUDENT_ENCODER := .models/all-MiniLM-L6-v2

.PHONY: setup environments ray export mlflow model demo up down test long fast lint types bench gpu-check docs reference clean

# both at once: unpacking keeps one core busy, and there are two
setup:
	@$(MAKE) --no-print-directory -j2 environments

environments: $(CONTROL)/.done-control $(ENGINE)/.done-engine-$(DEVICE)

$(CONTROL)/.done-control: infra/requirements/control.txt pyproject.toml
	sh infra/setup.sh control "$(PYTHON)"

$(ENGINE)/.done-engine-$(DEVICE): infra/requirements/engine-$(DEVICE).txt
	sh infra/setup.sh engine-$(DEVICE) "$(PYTHON)"

# only for replicas on a Ray cluster; no part of the basic set-up
ray: $(CONTROL)/.ray

$(CONTROL)/.ray: infra/requirements/ray.txt $(CONTROL)/.done-control
	$(CONTROL)/python -m pip --disable-pip-version-check install --quiet --quiet --no-deps -r infra/requirements/ray.txt
	touch $@

# only for exports to formats other than safetensors and vLLM's; no part of the basic set-up
export: $(ENGINE)/.export

$(ENGINE)/.export: infra/requirements/export.txt $(ENGINE)/.done-engine-$(DEVICE)
	$(ENGINE)/python -m pip --disable-pip-version-check install --quiet --quiet --no-deps -r infra/requirements/export.txt
	touch $@

# only for `stillhouse models publish --to mlflow`; no part of the basic set-up
mlflow: $(CONTROL)/.mlflow

$(CONTROL)/.mlflow: infra/requirements/mlflow.txt $(CONTROL)/.done-control
	$(CONTROL)/python -m pip --disable-pip-version-check install --quiet --quiet --no-deps -r infra/requirements/mlflow.txt
	touch $@

model: $(MODEL) $(ENCODER) $(STUDENT_ENCODER)

$(MODEL): | $(CONTROL)/.done-control
	sh infra/demo-model.sh $(CONTROL) $(MODEL)

$(ENCODER): | $(CONTROL)/.done-control
	sh infra/demo-encoder.sh $(CONTROL) $(ENCODER)

$(STUDENT_ENCODER): | $(CONTROL)/.done-control
	sh infra/demo-student-encoder.sh $(CONTROL) $(STUDENT_ENCODER)

demo: setup model
	$(CONTROL)/stillhouse run demo

# Prefect server, worker and S3 server on this machine; docs/guides/local-services.md
up: setup model
	@$(CONTROL)/python -m infra.local.up

down:
	@$(CONTROL)/python -m infra.local.down

lint: $(CONTROL)/.done-control
	$(CONTROL)/ruff check .
	$(CONTROL)/ruff format --check .

types: $(CONTROL)/.done-control
	$(CONTROL)/mypy

fast: $(CONTROL)/.done-control
	$(CONTROL)/pytest

# slow tests start servers and engines: a file stays with the worker that has its own
test: setup ray export model lint types
	$(CONTROL)/pytest
	$(CONTROL)/pytest -m "slow and not long" --dist loadfile

# runs of deployments on a real server, worker, engine and browser
long: setup model
	$(CONTROL)/pytest -m long

# the pages of docs/reference that the code gives; a test fails when one is stale
reference: $(CONTROL)/.done-control
	$(CONTROL)/python -m docs.generate

bench: setup model
	$(CONTROL)/python tests/benchmarks/data_stages.py --rows 100000 1000000
	$(CONTROL)/python tests/benchmarks/completions.py
	$(CONTROL)/python tests/benchmarks/prompts.py
	$(CONTROL)/python tests/benchmarks/generation.py
	$(CONTROL)/python tests/benchmarks/api_teacher.py
	$(CONTROL)/python -m tests.benchmarks.outages budget
	$(CONTROL)/python -m tests.benchmarks.outages endpoint
	$(CONTROL)/python -m tests.benchmarks.outages store
	$(CONTROL)/python -m tests.benchmarks.outages interrupts
	$(CONTROL)/python -m tests.benchmarks.outages interrupts --signal SIGTERM
	$(CONTROL)/python -m tests.benchmarks.shared_store
	$(CONTROL)/python -m tests.benchmarks.peers
	$(CONTROL)/python -m tests.benchmarks.short_jobs

# demo, engine, trainings and evaluation on the GPUs of this machine, with a report; docs/guides/cuda.md
gpu-check: $(CONTROL)/.done-control
	@$(CONTROL)/python -m infra.gpu_check --look
	@$(MAKE) --no-print-directory setup model DEVICE=cuda
	@$(CONTROL)/python -m infra.gpu_check

# the documentation as a site, in an environment of its own; site/index.html is its first page
docs: $(DOCS)/.done-docs
	NO_MKDOCS_2_WARNING=1 $(DOCS)/mkdocs build --quiet --strict

$(DOCS)/.done-docs: infra/requirements/docs.txt
	sh infra/setup.sh docs "$(PYTHON)"

clean:
	[ ! -x $(CONTROL)/python ] || $(MAKE) --no-print-directory down
	rm -rf .venv .models .stillhouse site
