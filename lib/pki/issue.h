/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/issue.h: a small certificate authority in one folder, for sites without
 * their own and for tests.  ca-cert.pem, ca-key.pem and crl.pem are the
 * authority's; each identity has NAME-cert.pem and NAME-key.pem.  Nothing that
 * exists is written over unless the caller says so.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "seal/identity.h"

/* Both ends belong to it; seconds, UTC. */
struct mig_window {
    int64_t from, to;
};

struct mig_leaf {
    enum mig_role role;
    const char *name;
    const char *dns; /* names joined by commas, or NULL */
    const char *ip;  /* addresses joined by commas, or NULL */
    struct mig_window window;
    bool replace; /* write over an older certificate and key of this name */
};

/* Make @dir if it is missing, a new key, a certificate signed by itself and an
 * empty revocation list. */
MIG_MUST_CHECK bool mig_issue_authority(const char *dir, const char *name,
                                        const struct mig_window *window, bool replace,
                                        struct mig_error *err);

/* The authority's own window; a leaf may not outlive it. */
MIG_MUST_CHECK bool mig_issue_authority_window(const char *dir, struct mig_window *ret,
                                               struct mig_error *err);

/* An agent without any DNS name or address gets its own name as DNS name:
 * whoever connects to it by TCP checks one. */
MIG_MUST_CHECK bool mig_issue_leaf(const char *dir, const struct mig_leaf *leaf,
                                   struct mig_error *err);
