/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/forge.h: certificates that lib/pki does not make, signed by a fleet's
 * authority: other keys, odd names, wrong uses.
 */
#pragma once

#include "support/fleet.h"

struct forge {
    const char *name;  /* files NAME-cert.pem and NAME-key.pem */
    const char *kind;  /* "P-256" when NULL, "P-384", "ED25519", "RSA3072" ... */
    const char *san;   /* OpenSSL's notation, or NULL for none */
    const char *usage; /* "digitalSignature" when NULL, "" for none */
    const char *basic; /* "CA:FALSE" when NULL */
    const char *by;    /* issuer: the authority when NULL, itself when its own name */
    bool chain;        /* append the issuer's certificates to the file */
};

void forge_make(const struct fleet *f, const struct forge *forge);
