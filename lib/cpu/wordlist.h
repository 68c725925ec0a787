/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/wordlist.h: comma lists in which people name groups of evidence, opt-in
 * features or levels.  A word that is none names all that there are.
 */
#pragma once

#include <stddef.h>

#include "cpu/host.h"

/* More than the table has. */
#define MIG_OPT_INS_MAX 64

/* Set what @list names; the others stay as they are. */
MIG_MUST_CHECK bool mig_wordlist_groups(const char *list, bool ret[MIG_GROUP_COUNT],
                                        struct mig_error *err);

/* Opt-in names in the field table's own spelling, static, sorted, each once. */
MIG_MUST_CHECK bool mig_wordlist_opt_ins(const char *list, const char *ret[MIG_OPT_INS_MAX],
                                         size_t *ret_len, struct mig_error *err);

/* The levels named, at least one, with all that they include: a set as in
 * cpu/level.h. */
MIG_MUST_CHECK bool mig_wordlist_levels(const char *list, uint32_t *ret, struct mig_error *err);
