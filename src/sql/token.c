// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

void sql_position(struct str sql, size_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < offset && i < sql.len; i++) {
        unsigned char c = (unsigned char)sql.ptr[i];
        if (c == '\n') {
            ++*ret_line;
            *ret_column = 1;
        } else if ((c & 0xC0) != 0x80) {
            ++*ret_column;
        }
    }
}

struct str sql_token_name(const struct sql_token *token)
{
    if ((token->kind != SQL_TOKEN_QUOTED && token->kind != SQL_TOKEN_STRING) ||
        token->text.len < 2) {
        return token->text;
    }
    return (struct str){token->text.ptr + 1, token->text.len - 2};
}
