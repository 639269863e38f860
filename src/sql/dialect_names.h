// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tables of names that sql/dialect.c puts into its dialects. */
#include "sql/dialect.h"

extern const struct sql_name duckdb_functions[];
extern const struct sql_name duckdb_relations[];
extern const struct sql_name duckdb_volatile[];
extern const struct sql_name duckdb_pragmas[];
extern const struct sql_name snowflake_functions[];
extern const struct sql_name snowflake_owners[];
extern const struct sql_name snowflake_table_calls[];
extern const struct sql_name snowflake_catalog_calls[];
extern const struct sql_name snowflake_usage_owners[];
extern const struct sql_name snowflake_usage[];
extern const struct sql_name snowflake_bare_relations[];
extern const struct sql_name snowflake_volatile[];
extern const struct sql_name postgresql_functions[];
extern const struct sql_name postgresql_owners[];
extern const struct sql_name postgresql_relations[];
extern const struct sql_name postgresql_volatile[];
extern const struct sql_name sqlite_functions[];
extern const struct sql_name sqlite_relations[];
extern const struct sql_name sqlite_volatile[];
extern const struct sql_name sqlite_pragmas[];
