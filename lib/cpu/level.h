/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/level.h: the psABI micro-architecture levels a result is measured by.
 */
#pragma once

#include "base/error.h"
#include "cpu/reg.h"

/* Reads one word of some register file. */
typedef uint64_t mig_word_fn(const void *words, struct mig_reg reg);

/* Highest level from "x86-64-v1" to "x86-64-v4" whose every flag is set, or
 * 0; the name is mig_level_name(). */
int mig_level_of(mig_word_fn *word, const void *words);

const char *mig_level_name(int level);
MIG_MUST_CHECK bool mig_level_parse(const char *name, int *ret);

/* A flag that keeps the words below @level, or NULL. */
const char *mig_level_missing(int level, mig_word_fn *word, const void *words);
