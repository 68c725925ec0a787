/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static const char *log_program = "mig";
static enum mig_log_level log_level = MIG_LOG_WARN;

void mig_log_init(const char *program, enum mig_log_level level)
{
    log_program = program;
    log_level = level;
}

void mig_log(enum mig_log_level level, const char *fmt, ...)
{
    static const char *const words[] = {
        [MIG_LOG_ERROR] = "error: ",
        [MIG_LOG_WARN] = "warning: ",
        [MIG_LOG_INFO] = "",
        [MIG_LOG_DEBUG] = "debug: ",
    };
    char line[1024];
    va_list ap;

    if (level > log_level) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "%s: %s%s\n", log_program, words[level], line);
}
