/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/log.h: one line per event on stderr; the journal adds time and name.
 * Results never go here, and nothing secret does.
 */
#pragma once

enum mig_log_level { MIG_LOG_ERROR, MIG_LOG_WARN, MIG_LOG_INFO, MIG_LOG_DEBUG };

/* @program stands in front of each line; borrowed for the life of the process. */
void mig_log_init(const char *program, enum mig_log_level level);

void mig_log(enum mig_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define mig_log_error(...) mig_log(MIG_LOG_ERROR, __VA_ARGS__)
#define mig_log_warn(...) mig_log(MIG_LOG_WARN, __VA_ARGS__)
#define mig_log_info(...) mig_log(MIG_LOG_INFO, __VA_ARGS__)
#define mig_log_debug(...) mig_log(MIG_LOG_DEBUG, __VA_ARGS__)
