/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
    if (p == NULL) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mig_alloc(size_t count, size_t size)
{
    return check(calloc(count == 0 ? 1 : count, size));
}

void *mig_resize(void *p, size_t count, size_t size)
{
    return check(reallocarray(p, count == 0 ? 1 : count, size));
}

char *mig_strdup(const char *s)
{
    return s == NULL ? NULL : check(strdup(s));
}

char *mig_strndup(const char *s, size_t len)
{
    return s == NULL ? NULL : check(strndup(s, len));
}

void *mig_memdup(const void *p, size_t len)
{
    void *copy = NULL;

    if (p != NULL) {
        copy = mig_alloc(len, 1);
        memcpy(copy, p, len);
    }
    return copy;
}

char *mig_strf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    return check(len < 0 ? NULL : text);
}

void mig_free(void *p)
{
    free(p);
}
