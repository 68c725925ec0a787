/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct mig_error *err, enum mig_code code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void fill(struct mig_error *err, enum mig_code code, const char *fmt, va_list ap)
{
    err->code = code;
    (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

static void append(struct mig_error *err, const char *text)
{
    size_t len = strlen(err->msg);

    (void)snprintf(err->msg + len, sizeof err->msg - len, ": %s", text);
}

void mig_error_fill(struct mig_error *err, enum mig_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
}

void mig_error_fill_errno(struct mig_error *err, enum mig_code code, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;

    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    append(err, strerror(saved));
}

void mig_error_wrap(struct mig_error *err, const char *fmt, ...)
{
    char inner[sizeof err->msg];
    va_list ap;

    memcpy(inner, err->msg, sizeof inner);
    va_start(ap, fmt);
    fill(err, err->code, fmt, ap);
    va_end(ap);
    append(err, inner);
}

int mig_error_exit_status(enum mig_code code)
{
    static const int status[MIG_CODE_COUNT] = {
#define ERROR(name, exit_status, meaning) [MIG_##name] = (exit_status),
#include "base/error.def"
    };

    return status[code];
}

void mig_assert_failed(const char *expr, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}
