/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/deps.h: which feature needs which other one (x86_deps.def, hard edges
 * only).  Used to remove what a removal leaves without its base.
 */
#pragma once

#include <stddef.h>

#include "cpu/reg.h"

struct mig_bit {
    struct mig_reg reg;
    uint64_t mask; /* any of these bits; a dependant loses all of them */
};

/* @feature can not work without @base; row order is table order. */
struct mig_dep {
    struct mig_bit feature, base;
    const char *name; /* of the feature */
};

struct mig_deps {
    const struct mig_dep *items;
    size_t len;
};

struct mig_deps mig_deps_all(void);

/* The edges whose base stands in the register of @key, in table order. */
struct mig_deps mig_deps_on(uint64_t key);

/* The edges whose feature stands there, in table order. */
struct mig_deps mig_deps_of(uint64_t key);
