/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/error.h: could not decide.  A failure travels up as one caller-owned
 * struct; a mismatch between hosts is never an error but a finding.
 * Messages read outermost context first, without capital or full stop.
 */
#pragma once

#include <stdbool.h>

#define MIG_MUST_CHECK __attribute__((warn_unused_result))

enum mig_code {
    MIG_OK,
#define ERROR(code, exit_status, meaning) MIG_##code,
#include "base/error.def"
    MIG_CODE_COUNT
};

struct mig_error {
    enum mig_code code;
    char msg[512];
};

/* Fill @err and be false, so that a failure is one visible return.  Macros, so
 * that the compiler knows the value too. */
#define mig_fail(err, code, ...) (mig_error_fill((err), (code), __VA_ARGS__), false)

/* Like mig_fail() with ": " and the text of errno, read before anything else. */
#define mig_fail_errno(err, code, ...) (mig_error_fill_errno((err), (code), __VA_ARGS__), false)

/* Put context in front of what @err says already; always false. */
#define mig_wrap(err, ...) (mig_error_wrap((err), __VA_ARGS__), false)

void mig_error_fill(struct mig_error *err, enum mig_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mig_error_fill_errno(struct mig_error *err, enum mig_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mig_error_wrap(struct mig_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status of DESIGN section 3 for @code; 0 for MIG_OK. */
int mig_error_exit_status(enum mig_code code);

/* End the process for a bug of ours; never for input, peers or resources. */
_Noreturn void mig_assert_failed(const char *expr, const char *file, int line);
#define MIG_ASSERT(e) ((e) ? (void)0 : mig_assert_failed(#e, __FILE__, __LINE__))
