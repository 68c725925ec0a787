/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmig/failure.h: our errors as mig.h states them.  Each function returns
 * what a public one returns.
 */
#pragma once

#include "base/error.h"
#include "libmig/mig.h"

/* LIBMIG_OK, and @err says so. */
int mig_failure_none(struct libmig_error *err);
int mig_failure_tell(struct libmig_error *err, const struct mig_error *why);
int mig_failure_say(struct libmig_error *err, enum libmig_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
