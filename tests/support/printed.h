/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/printed.h: what a call prints, as text.
 */
#pragma once

#include <stdio.h>

/* What the statements print on "out"; the caller frees with free(). */
#define PRINTED(...)                                                                               \
    __extension__({                                                                                \
        char *text_ = NULL;                                                                        \
        size_t len_ = 0;                                                                           \
        FILE *out = open_memstream(&text_, &len_);                                                 \
                                                                                                   \
        __VA_ARGS__;                                                                               \
        (void)fclose(out);                                                                         \
        text_;                                                                                     \
    })

/* Fails the test at a line of more than @columns that could have been broken,
 * and at one that ends with a space. */
void printed_check_lines(const char *label, const char *text, int columns);
