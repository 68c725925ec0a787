/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/target.h: one HOST word of a command line and what it turned out to
 * be: a live agent, a file or standard input.
 */
#pragma once

#include "wire/address.h"

enum mig_target_kind { MIG_TARGET_FILE, MIG_TARGET_STDIN, MIG_TARGET_LIVE };

struct mig_target {
    enum mig_target_kind kind;
    const char *word;             /* borrowed: as the operator wrote it */
    struct mig_address address;   /* live; .name is the agent name to insist on */
    char where[MIG_ADDRESS_TEXT]; /* live: the address as text, without the name */
};

/* The forms a HOST may have, for help and for the message of a word that has
 * none of them. */
#define MIG_TARGET_FORMS                                                                           \
    "a configured name, HOST:PORT, [V6]:PORT, NAME@HOST:PORT, unix:/PATH, a file, or - for "       \
    "standard input"

/* Address of a configured name, or NULL. */
typedef const char *mig_target_lookup_fn(const void *data, const char *name);

/* A configured name first (its agent must then carry that name), then what
 * looks like an address, then a file. */
MIG_MUST_CHECK bool mig_target_parse(const char *word, mig_target_lookup_fn *lookup,
                                     const void *data, struct mig_target *ret,
                                     struct mig_error *err);

/* One agent, one file, or standard input twice. */
bool mig_target_is_same(const struct mig_target *a, const struct mig_target *b);

/* "beta (127.0.0.1:7444)", or the address alone, or the file. */
void mig_target_print(const struct mig_target *t, const char *name, char *ret, size_t size);
