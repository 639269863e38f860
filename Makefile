# The two commands most people need are `make serve` and `make check`.
.PHONY: help build serve check check-long sim bench clean

help:
	@echo "make serve   install what is missing, build, serve the demonstration databases"
	@echo "make check   the same set-up, then all tests"
	@echo "make build   build only          make bench   measure"
	@echo "make sim SEEDS=N                 simulate the core from N seeds"

build:
	@tools/setup.sh build
	@test -f build/build.ninja || meson setup build >/dev/null
	@ninja -C build --quiet

serve: build
	@tools/serve.sh

check:
	@tools/setup.sh check
	@test -f build/build.ninja || meson setup build >/dev/null
	@ninja -C build --quiet
	@tests/run.sh

sim: build
	@build/tests/sim --seeds $(or $(SEEDS),200)

clean:
	rm -rf build
