# make install | demo | demo-long | test | lint      (needs Python 3.11 and a C++ compiler)
#   make demo SEED=1          another seed
#   make demo DATA=DIR        your own DIR/cutouts/<class>/*.png (RGBA) and DIR/photographs/*
PYTHON := $(firstword $(foreach p,python3.11 python3,$(shell $(p) -c 'import sys; \
	sys.version_info[:2] == (3, 11) and print("$(p)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c requirements/constraints.txt
SEED ?= 0
DATA ?=
DEMO := $(BIN)/python tools/demo.py --seed $(SEED) $(if $(DATA),--data $(DATA))

.PHONY: install demo demo-long test lint clean
install: $(VENV)/plugin.stamp

# One stamp a step, so that an interrupted installation goes on where it stopped.
$(VENV)/venv.stamp:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 is needed: neither python3.11 nor python3 is it.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/torch.stamp: requirements/build.txt $(VENV)/venv.stamp
	@echo 'Installing torch (about 2 GB)…'
	$(PIP) -r $<
	@touch $@

# no isolation: mmcv compiles its ops against the torch that was just installed
$(VENV)/mm.stamp: requirements/mminstall.txt requirements/constraints.txt $(VENV)/torch.stamp
	@echo 'Compiling mmcv (4 to 10 minutes the first time; pip keeps the wheel)…'
	PATH="$(CURDIR)/$(BIN):$$PATH" MMCV_WITH_OPS=1 MAX_JOBS=$$(nproc) $(PIP) --no-build-isolation -r $<
	@# mmcv wants opencv-python, whose cv2 needs libGL; the headless cv2 over it needs nothing
	$(PIP) --force-reinstall --no-deps opencv-python-headless
	@touch $@

$(VENV)/plugin.stamp: setup.py requirements/runtime.txt requirements/tests.txt $(VENV)/mm.stamp
	$(PIP) -r requirements/runtime.txt -r requirements/tests.txt
	$(PIP) --no-build-isolation --no-deps -e .
	$(BIN)/python -m infomin_plugin.environment
	@touch $@

demo: install
	$(DEMO)

demo-long: install
	$(DEMO) --long

test: install
	@# two at a time, each on one thread: most tests wait for a process of their own
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: install
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) build *.egg-info infomin_plugin/.mim
