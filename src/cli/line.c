// SPDX-License-Identifier: Apache-2.0
#include "cli/line.h"

#include <stdio.h>

void line_put_pair(struct buf *line, const char *key, struct str value)
{
    buf_putc(line, line->len > 0 ? ',' : '{');
    buf_put_json(line, str_of(key));
    buf_putc(line, ':');
    buf_put_json(line, value);
}

void line_put_text(struct buf *line, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_control = (unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F;
        buf_putc(line, is_control ? ' ' : text.ptr[i]);
    }
}

void line_flush(struct buf *line)
{
    buf_putc(line, '\n');
    printf(STR_FMT, STR_ARG(buf_str(line)));
    fflush(stdout);
    buf_clear(line);
}
