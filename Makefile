# The two commands most people need are `make serve` and `make check`.
.PHONY: help build serve check check-long sim bench clean

help:
	@echo "make serve [ARGS='...']   install what is missing, build, serve the demonstration databases"
	@echo "make check                the same set-up, then all tests"
	@echo "make check-long           the same with many more seeds"
	@echo "make build                install what is missing, build"
	@echo "make sim [SEEDS=N]        simulate the core from N seeds"
	@echo "make bench                measure, in less than three minutes: see docs/bench.md"
	@echo "make clean                remove build/; SNOWMUX_DEPS or .deps/ stays"

build:
	@tools/setup.sh build
	@tools/build.sh

serve: build
	@tools/serve.sh $(ARGS)

check:
	@tools/setup.sh check
	@tools/build.sh check
	@tests/run.sh

check-long: check
	@build/tests/sim --seeds $(or $(SEEDS),20000)
	@for corpus in tests/fuzz/corpus/*; do \
	    build/tests/fuzz/fuzz_$${corpus##*/} --runs 1000000 --seed 2 $$corpus || exit 1; \
	done

sim: build
	@build/tests/sim --seeds $(or $(SEEDS),200)

bench: build
	@ninja -C build --quiet run-bench

clean:
	rm -rf build
