/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/limit.h: the most that KVM on an arm64 host shows a vCPU with given
 * features.  A snapshot holds it for a vCPU with all that the host can grant;
 * for fewer features it follows from rows (vcpu_feature.def).
 */
#pragma once

#include "compat/negotiate.h"

enum mig_feature {
#define FEATURE(id, ...) MIG_FEATURE_##id,
#define TELLS(...)
#define PART(...)
#define SAVED(...)
#include "compat/vcpu_feature.def"
    MIG_FEATURE_COUNT
};

struct mig_limit {
    const struct mig_party *host;
    unsigned features;   /* set of 1 << enum mig_feature */
    unsigned captured;   /* features of the vCPU whose registers @host has */
    const char *release; /* of Linux; NULL: not known */
    bool knows_masks;    /* KVM told which bits a VMM may change */
    bool same_cpu;       /* what is to be shown was seen on this model of CPU */
    bool has_imp_id;     /* a VMM may show another MIDR_EL1 */
};

/* Features of the vCPU whose registers @shown has. */
unsigned mig_feature_of(const struct mig_party *shown);
const char *mig_feature_name(enum mig_feature feature);
/* Bits of @reg that are not 0 on a vCPU with @feature alone. */
uint64_t mig_feature_tells(struct mig_reg reg, enum mig_feature feature);
/* Bits of @reg that are 0 on a vCPU without @features. */
uint64_t mig_feature_bits(struct mig_reg reg, unsigned features);
/* The feature without which a vCPU does not save @reg; MIG_FEATURE_COUNT if
 * every one does. */
enum mig_feature mig_feature_saves(struct mig_reg reg);
/* May @host have @feature although the vCPU that was captured did not? */
bool mig_feature_is_open(const struct mig_party *host, enum mig_feature feature);

struct mig_merge;

/* Take @feature from the profile, with all that is told of it, if some host
 * gives it. */
void mig_feature_take(struct mig_merge *m, enum mig_feature feature);

/* Findings about parts of @feature follow from the one that tells of it. */
void mig_feature_fold(struct mig_findings *list, enum mig_feature feature);

void mig_limit_init(struct mig_limit *l, const struct mig_party *host, unsigned features);

/* The same host as if it ran @release of plain Linux. */
struct mig_limit mig_limit_under(const struct mig_limit *l, const char *release);

struct mig_seen mig_limit_get(const struct mig_limit *l, struct mig_reg reg);

/* Is @l's kernel known and @release or later? */
bool mig_limit_is_since(const struct mig_limit *l, const char *release);

/* One model of CPU by MIDR_EL1 and REVIDR_EL1; false also when not known. */
bool mig_limit_is_one_cpu(const struct mig_party *a, const struct mig_party *b);
