/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/revoke.h: the authority's revocation list, crl.pem in its folder.  The
 * list holds as long as the authority: a fleet must not stop because nobody
 * renewed it.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Write an empty list; for a new authority. */
MIG_MUST_CHECK bool mig_revoke_begin(const char *dir, int64_t now, struct mig_error *err);

/* Add the certificate NAME-cert.pem; once more changes nothing.  A missing
 * list is begun. */
MIG_MUST_CHECK bool mig_revoke_identity(const char *dir, const char *name, int64_t now,
                                        struct mig_error *err);
