# make demo: the whole pipeline on the embedded data, from a clean clone. make test: everything that proves it.
PYTHON ?= python3.11
CONTROL := .venv/control/bin
ENGINE := .venv/engine/bin
# cpu, or cuda for machines with an NVIDIA GPU
DEVICE ?= cpu
MODEL := .models/SmolLM2-135M-Instruct.Q4_1.gguf

.PHONY: setup environments model demo test fast lint types bench clean

# both at once: unpacking keeps one core busy, and there are two
setup:
	@$(MAKE) --no-print-directory -j2 environments

environments: $(CONTROL)/.done $(ENGINE)/.done

$(CONTROL)/.done: infra/requirements/control.txt pyproject.toml
	sh infra/setup.sh control $(PYTHON) cpu

$(ENGINE)/.done: infra/requirements/engine-$(DEVICE).txt
	sh infra/setup.sh engine $(PYTHON) $(DEVICE)

model: $(MODEL)

$(MODEL): | $(CONTROL)/.done
	sh infra/demo-model.sh $(CONTROL) $(MODEL)

demo: setup model
	$(CONTROL)/stillhouse run demo

lint: $(CONTROL)/.done
	$(CONTROL)/ruff check .
	$(CONTROL)/ruff format --check .

types: $(CONTROL)/.done
	$(CONTROL)/mypy

fast: $(CONTROL)/.done
	$(CONTROL)/pytest -m "not slow"

test: setup model lint types
	$(CONTROL)/pytest

bench: setup model
	$(CONTROL)/python tests/benchmarks/data_stages.py --rows 100000 1000000
	$(CONTROL)/python tests/benchmarks/completions.py
	$(CONTROL)/python tests/benchmarks/generation.py

clean:
	rm -rf .venv .models .stillhouse
