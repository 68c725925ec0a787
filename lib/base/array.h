/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/array.h: a growing array in any struct that has items, len and cap.
 */
#pragma once

#include "base/alloc.h"

/* Make room for one more and give its address, zeroed; a borrowed pointer that
 * the next push may move. */
#define MIG_PUSH(a)                                                                                \
    __extension__({                                                                                \
        if ((a)->len == (a)->cap) {                                                                \
            (a)->cap = (a)->cap == 0 ? 16 : (a)->cap * 2;                                          \
            (a)->items = mig_resize((a)->items, (a)->cap, sizeof *(a)->items);                     \
        }                                                                                          \
        __typeof__((a)->items) slot_ = &(a)->items[(a)->len++];                                    \
        *slot_ = (__typeof__(*slot_)){0};                                                          \
        slot_;                                                                                     \
    })

#define MIG_COUNT(array) (sizeof(array) / sizeof(*(array)))
