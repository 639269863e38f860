// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A small mutation fuzzer that needs nothing of the compiler. It runs each file of the
 * corpus as it is, then mutated ones; the same seed and corpus give the same inputs. The
 * input of a crash or of a run over ten seconds is written as hex into the working
 * directory; --replay runs such a file again.
 *
 *   fuzz_X [--runs N] [--seed S] CORPUS_DIR
 *   fuzz_X --replay FILE
 */
#include <stddef.h>

#include "base/str.h"

#define FUZZ_WORD(literal) {"" literal, sizeof(literal) - 1}

struct fuzz_target {
    const char *name;
    size_t len_max; /* of an input */
    const struct str *words; /* inserted now and then */
    size_t word_count;
    /* @input lies in memory of exactly its length. What is wrong ends in abort(). */
    void (*run)(struct str input);
};

int fuzz_main(int argc, char **argv, const struct fuzz_target *target);
