/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/cleanup.h: a local owns what it holds until it is stolen.
 * MIG_AUTO(mig_x_free) struct mig_x *x = NULL; the function gets the pointer
 * itself, so any "void f(struct mig_x *)" that takes NULL will do.
 */
#pragma once

#include <stddef.h>

/* DEFINE once per type, in the header that declares the free function. */
#define MIG_AUTO_DEFINE(fn, type)                                                                  \
    static inline void fn##_auto(type *p)                                                          \
    {                                                                                              \
        fn(*p);                                                                                    \
    }                                                                                              \
    struct mig_swallow_semicolon

#define MIG_AUTO(fn) __attribute__((cleanup(fn##_auto)))

/* Hand a local over to the caller: the cleanup then sees NULL. */
#define mig_steal(pp)                                                                              \
    __extension__({                                                                                \
        __typeof__(*(pp)) stolen_ = *(pp);                                                         \
        *(pp) = NULL;                                                                              \
        stolen_;                                                                                   \
    })
