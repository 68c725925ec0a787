/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/address.h: where a peer listens: "host:port", "[::1]:7443" or
 * "unix:/path", optionally "NAME@" in front to pin the certificate's name.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define MIG_DEFAULT_PORT 7443

struct mig_address {
    char name[128]; /* pinned agent name; "" = none */
    char host[256]; /* "" for unix */
    char port[6];
    char path[108]; /* "" for TCP */
};

/* Does @text have the shape of an address at all (as against a file name)? */
bool mig_address_looks_like(const char *text);
MIG_MUST_CHECK bool mig_address_parse(const char *text, struct mig_address *ret,
                                      struct mig_error *err);

/* Enough for any address and what mig_address_format() adds. */
#define MIG_ADDRESS_TEXT 288

/* "[::1]:7443" or "unix:/path", without the name. */
void mig_address_format(const struct mig_address *a, char *ret, size_t size);
