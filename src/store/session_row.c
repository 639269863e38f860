// SPDX-License-Identifier: Apache-2.0
#include "store/session_row.h"

#include <stdlib.h>

#include "store/row.h"

#define AT(member) offsetof(struct store_session, member)

/* The columns: first these strings, then these numbers. */
static const size_t strings[] = {AT(handle), AT(principal), AT(client_name),
    AT(client_version), AT(instance), AT(label), AT(revision), AT(context[0]),
    AT(context[1]), AT(context[2]), AT(context[3]), AT(context[4]), AT(response_times), AT(held)};
static const size_t numbers[] = {AT(created_wall_ns), AT(last_seen_wall_ns),
    AT(calls_total), AT(calls_ok), AT(calls_failed), AT(calls_refused), AT(rows_total),
    AT(bytes_in), AT(bytes_out), AT(response_ns), AT(queue_ns), AT(connections_total),
    AT(limit_rows), AT(timeout_s), AT(format), AT(priority)};

_Static_assert(sizeof(struct store_session) == ARRAY_LEN(strings) * sizeof(struct str) +
                                                   ARRAY_LEN(numbers) * sizeof(uint64_t),
    "a member has no column");

static const struct row_shape shape = {
    strings, ARRAY_LEN(strings), numbers, ARRAY_LEN(numbers)};

size_t session_row_bytes(const struct store_session *session)
{
    return row_bytes(&shape, session);
}

struct store_session session_row_copy(const struct store_session *session, char *bytes)
{
    struct store_session copy = *session;
    row_move_strings(&shape, &copy, bytes);
    return copy;
}

struct store_session *session_row_clone(const struct store_session *session)
{
    struct store_session *clone = malloc(sizeof(*clone) + session_row_bytes(session));
    if (clone) {
        *clone = session_row_copy(session, (char *)(clone + 1));
    }
    return clone;
}

int session_row_bind(sqlite3_stmt *stmt, const struct store_session *session)
{
    return row_bind(&shape, stmt, session);
}

bool session_row_read(sqlite3_stmt *stmt, struct store_session *ret)
{
    return row_read(&shape, stmt, ret);
}
