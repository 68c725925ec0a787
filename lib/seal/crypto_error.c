/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/crypto_error.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

bool mig_crypto_fail(struct mig_error *err, enum mig_code code, const char *fmt, ...)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    char text[sizeof err->msg];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)mig_fail(err, code, "%s%s%s", text, reason != NULL ? ": " : "",
                   reason != NULL ? reason : "");
    return mig_crypto_drain(false);
}

bool mig_crypto_drain(bool done)
{
    ERR_clear_error();
    return done;
}
