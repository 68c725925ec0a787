/* SPDX-License-Identifier: Apache-2.0 */
#include "libmig/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

int mig_failure_none(struct libmig_error *err)
{
    if (err != NULL) {
        err->code = LIBMIG_OK;
        err->text[0] = '\0';
    }
    return LIBMIG_OK;
}

int mig_failure_say(struct libmig_error *err, enum libmig_code code, const char *fmt, ...)
{
    va_list ap;

    if (err != NULL) {
        err->code = (int32_t)code;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        mig_text_make_printable(err->text);
    }
    return (int)code;
}

int mig_failure_tell(struct libmig_error *err, const struct mig_error *why)
{
    static const enum libmig_code codes[MIG_CODE_COUNT] = {
        [MIG_OK] = LIBMIG_ERROR_INTERNAL,          [MIG_USAGE] = LIBMIG_ERROR_USAGE,
        [MIG_FORMAT] = LIBMIG_ERROR_FORMAT,        [MIG_LIMIT] = LIBMIG_ERROR_LIMIT,
        [MIG_TRUST] = LIBMIG_ERROR_TRUST,          [MIG_STALE] = LIBMIG_ERROR_STALE,
        [MIG_MISSING] = LIBMIG_ERROR_MISSING,      [MIG_IO] = LIBMIG_ERROR_IO,
        [MIG_REFUSED] = LIBMIG_ERROR_INTERNAL, /* no peer is asked here */
        [MIG_UNREACHABLE] = LIBMIG_ERROR_INTERNAL, [MIG_INTERNAL] = LIBMIG_ERROR_INTERNAL,
    };

    return mig_failure_say(err, codes[why->code], "%s", why->msg);
}

const char *libmig_code_text(int code)
{
    static const char *const texts[] = {
        [LIBMIG_OK] = "done",
        [LIBMIG_DIFFERS] = "KVM does not show what it was told to",
        [LIBMIG_ERROR_USAGE] = "the caller may not do that",
        [LIBMIG_ERROR_FORMAT] = "input is malformed",
        [LIBMIG_ERROR_LIMIT] = "input exceeds a limit",
        [LIBMIG_ERROR_TRUST] = "evidence can not be verified",
        [LIBMIG_ERROR_STALE] = "evidence is too old, not yet valid or replayed",
        [LIBMIG_ERROR_MISSING] = "it is not there",
        [LIBMIG_ERROR_IO] = "a file, a device or a descriptor could not be used",
        [LIBMIG_ERROR_SPACE] = "the buffer is too small",
        [LIBMIG_ERROR_GUEST] = "the contract is of another guest",
        [LIBMIG_ERROR_INTERNAL] = "internal error",
    };

    return code >= 0 && code <= LIBMIG_ERROR_INTERNAL ? texts[code] : "unknown code";
}
