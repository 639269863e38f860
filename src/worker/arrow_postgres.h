// SPDX-License-Identifier: Apache-2.0
#pragma once
/* PostgreSQL's values that its driver leaves in the bytes of the server's protocol. */
#include "worker/arrow_type.h"

/* ARROW_PLAIN: of type @name there is nothing more to say than its bytes. */
enum arrow_extension arrow_postgres_extension(struct str name);

/* As JSON, the server's own text; @extension is one of PostgreSQL's short ones. */
void arrow_put_postgres(
    struct buf *out, enum arrow_extension extension, struct str bytes);

/* The name of a type that the driver knows by number only; else @name. */
struct str arrow_postgres_name(struct str name);

/* 0 where there are none. */
uint64_t arrow_load_big_endian(struct str bytes, size_t at, size_t size);
