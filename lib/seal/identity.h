/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/identity.h: who a certificate speaks for: one SAN URI
 * "mig://agent/NAME", "mig://operator/NAME" and so on.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* ROLE(constant, word in the URI) */
enum mig_role {
#define ROLE(id, word) MIG_ROLE_##id,
#include "seal/role.def"
    MIG_ROLE_COUNT
};

struct mig_identity {
    enum mig_role role;
    char name[128];
};

const char *mig_role_name(enum mig_role role);
MIG_MUST_CHECK bool mig_role_parse(const char *word, enum mig_role *ret);

/* Letters, digits, '.', '-', '_', starting with a letter or digit. */
bool mig_identity_name_is_valid(const char *name);

/* "mig://agent/alpha" */
MIG_MUST_CHECK bool mig_identity_parse(const char *uri, struct mig_identity *ret,
                                       struct mig_error *err);

struct x509_st; /* OpenSSL's X509 */

/* From a certificate that is parsed already; none or several mig:// URIs is an
 * error. */
MIG_MUST_CHECK bool mig_identity_of_leaf(const struct x509_st *leaf, struct mig_identity *ret,
                                         struct mig_error *err);
