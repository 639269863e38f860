# The two commands most people need are `make serve` and `make check`.
.PHONY: help build serve check check-long sim sim-day mutate bench clean

help:
	@echo "make serve [ARGS='...']   install what is missing, build, serve the demonstration databases"
	@echo "make check                the same set-up, then all tests, also with sanitizers"
	@echo "make check-long           hours of tests; writes docs/check-long.md"
	@echo "make build                install what is missing, build"
	@echo "make sim [SEEDS=N]        simulate the core from N seeds"
	@echo "make sim-day [SEED=N]     simulate a day of 10,000 clients"
	@echo "make bench                measure, in about three minutes: see docs/bench.md"
	@echo "make mutate [ONLY=NAME]   break the core on purpose: each time some oracle must bark"
	@echo "make clean                remove what was built; SNOWMUX_DEPS or .deps/ stays"

build:
	@tools/setup.sh build
	@tools/build.sh

serve: build
	@tools/serve.sh $(ARGS)

check:
	@tools/setup.sh check
	@tools/build.sh check
	@tests/run.sh

check-long:
	@tools/setup.sh check
	@tools/build.sh check
	@tests/long.sh $(PARTS)

sim: build
	@build/tests/sim --seeds $(or $(SEEDS),200)

sim-day: build
	@build/tests/sim_day --seed $(or $(SEED),1)

mutate:
	@tests/mutate/run $(ONLY)

bench: build
	@ninja -C build --quiet run-bench

clean:
	rm -rf build build-asan build-tsan
