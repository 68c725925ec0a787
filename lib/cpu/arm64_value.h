/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_value.h: names of the values of arm64 fields ("PMULL" is 2 of
 * ID_AA64ISAR0_EL1.AES).  For people; files and judgement hold numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mig_field;

struct mig_arm64_value {
    uint32_t index; /* of the register */
    uint8_t lo;     /* of the field */
    uint32_t value;
    const char *name;
};

struct mig_arm64_values {
    const struct mig_arm64_value *items;
    size_t len;
};

/* Ascending; len 0 for a field without names. */
struct mig_arm64_values mig_arm64_value_all(const struct mig_field *f);

/* NULL: the value has no name. */
const char *mig_arm64_value_name(const struct mig_field *f, uint64_t value);

/* In any case; "off" and "on" stand for NI and IMP. */
MIG_MUST_CHECK bool mig_arm64_value_parse(const struct mig_field *f, const char *name,
                                          uint64_t *ret);
