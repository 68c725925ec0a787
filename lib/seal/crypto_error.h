/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/crypto_error.h: OpenSSL keeps a queue of errors per thread and an entry
 * left behind is blamed on whoever looks next; so each failure drains it.
 */
#pragma once

#include "base/error.h"

/* mig_fail() with ": " and OpenSSL's reason, if there is one; empties the queue. */
bool mig_crypto_fail(struct mig_error *err, enum mig_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Empty the queue and hand @done through: the last line of a public function. */
bool mig_crypto_drain(bool done);
