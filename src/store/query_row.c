// SPDX-License-Identifier: Apache-2.0
#include "store/query_row.h"

#define AT(member) offsetof(struct store_query, member)

static const size_t strings[] = {AT(handle), AT(principal), AT(session),
    AT(profile), AT(tool), AT(sql), AT(status), AT(code), AT(result), AT(answer)};
static const size_t numbers[] = {AT(started_wall_ns), AT(ended_wall_ns), AT(elapsed_ms)};

_Static_assert(sizeof(struct store_query) == ARRAY_LEN(strings) * sizeof(struct str) +
                                                 ARRAY_LEN(numbers) * sizeof(uint64_t),
    "a member has no column");

const struct row_shape query_row = {
    strings, ARRAY_LEN(strings), numbers, ARRAY_LEN(numbers)};
