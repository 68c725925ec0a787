/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/level.h: the versions of an architecture that a result is measured by:
 * the micro-architecture levels of the x86-64 psABI, and Armv8.x and Armv9.x.
 * Not all are in one line, so what somebody asks for is a set of levels, each
 * with all that it includes; to ask for more is to join two sets.
 */
#pragma once

#include "base/error.h"
#include "cpu/arch.h"
#include "cpu/reg.h"

struct mig_arm64_feat; /* cpu/arm64_feat.h */
struct mig_text;

/* Reads one word of some register file. */
typedef uint64_t mig_word_fn(const void *words, struct mig_reg reg);

enum mig_level {
#define LEVEL(id, name, arch, includes) MIG_LEVEL_##id,
#include "cpu/level.def"
    MIG_LEVEL_COUNT
};

/* One thing that a level asks for. */
struct mig_level_need {
    const char *name;                  /* "avx2", "FEAT_LSE" */
    const struct mig_arm64_feat *feat; /* arm64; NULL: the flag in @reg */
    struct mig_reg reg;
    uint64_t mask;
};

bool mig_level_need_holds(const struct mig_level_need *need, mig_word_fn *word, const void *words);

/* The highest level whose every need holds. */
enum mig_level mig_level_of(enum mig_arch arch, mig_word_fn *word, const void *words);

/* The first need of the levels in @set that does not hold; false: all do. */
bool mig_level_missing(uint32_t set, mig_word_fn *word, const void *words,
                       struct mig_level_need *ret);

/* "below x86-64-v1" for NONE, which only a result of x86 can be. */
const char *mig_level_name(enum mig_level level);
/* NONE when it is the name of no level. */
enum mig_level mig_level_find(const char *name);
/* The lowest level that asks for this flag or FEAT_; NONE: no level does. */
enum mig_level mig_level_asking(const char *need);

/* @level and all that it includes; none for NONE. */
uint32_t mig_level_set(enum mig_level level);
/* What @set asks of @arch. */
uint32_t mig_level_part(uint32_t set, enum mig_arch arch);
enum mig_level mig_level_lowest(enum mig_arch arch);
/* The least level of @arch that includes all that @set asks of it, or NONE. */
enum mig_level mig_level_least(uint32_t set, enum mig_arch arch);

/* The least level per architecture, "x86-64-v2,Armv8.2". */
void mig_level_print_set(uint32_t set, struct mig_text *t);
/* "Armv8.0 to Armv9.1" */
void mig_level_print_range(enum mig_arch arch, struct mig_text *t);
