/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_name.h: one value of an arm64 field in the spellings that people
 * use: SYSREG_ID_AA64ISAR0_EL1_AES=2, ID_AA64ISAR0_EL1.AES=pmull, the id
 * arm64/ID_AA64ISAR0_EL1/AES, and FEAT_PMULL.
 */
#pragma once

#include "cpu/arm64_feat.h"
#include "cpu/field.h"

struct mig_arm64_setting {
    const struct mig_field *field;     /* NULL: a feature over several terms */
    const struct mig_arm64_feat *feat; /* NULL: not written as FEAT_ */
    bool has_value;                    /* false: a field alone, nothing behind it */
    uint64_t value;                    /* of a feature: the least that is it */
};

/* Any of the spellings, in any case, with "=value" (a number or a name) behind
 * all but FEAT_ or without.  The error tells what comes nearest. */
MIG_MUST_CHECK bool mig_arm64_name_parse(const char *text, struct mig_arm64_setting *ret,
                                         struct mig_error *err);

/* Is it written like one of an arm64 register or feature? */
bool mig_arm64_name_is_meant(const char *text);

/* "SYSREG_ID_AA64ISAR0_EL1_AES"; false for firmware, which has no such name. */
#define MIG_ARM64_NAME_MAX 80
MIG_MUST_CHECK bool mig_arm64_name_sysreg(const struct mig_field *f, char ret[MIG_ARM64_NAME_MAX]);

/* "2", "0x411fd401" in fields that are wider than 8 bits. */
void mig_arm64_name_number(const struct mig_field *f, uint64_t value, char ret[MIG_ARM64_NAME_MAX]);

/* "pmull" for 2, "7" for a value without a name. */
void mig_arm64_name_value(const struct mig_field *f, uint64_t value, char ret[MIG_ARM64_NAME_MAX]);
