// SPDX-License-Identifier: Apache-2.0
#include "store/result_row.h"

#define AT(member) offsetof(struct store_result, member)

static const size_t strings[] = {AT(handle), AT(principal), AT(session), AT(profile)};
static const size_t numbers[] = {AT(rows), AT(bytes), AT(capped), AT(expires_wall_ns)};

_Static_assert(sizeof(struct store_result) == ARRAY_LEN(strings) * sizeof(struct str) +
                                                  ARRAY_LEN(numbers) * sizeof(uint64_t),
    "a member has no column");

const struct row_shape result_row = {
    strings, ARRAY_LEN(strings), numbers, ARRAY_LEN(numbers)};
