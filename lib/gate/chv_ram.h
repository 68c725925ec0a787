/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_ram.h: where a guest has memory, and whether what a stream says it
 * carries lies there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MIG_CHV_RANGE_BYTES 16
#define MIG_CHV_RANGES_MAX (1u << 20)

struct mig_chv_range {
    uint64_t gpa, len;
};

/* Zero-initialised is none. */
struct mig_chv_ram {
    struct mig_chv_range *items; /* after finish: ascending, apart from each other */
    size_t len, cap;
};

void mig_chv_ram_add(struct mig_chv_ram *ram, struct mig_chv_range range);
/* All is added.  Refuses what is empty, overlaps or goes beyond 2^64. */
MIG_MUST_CHECK bool mig_chv_ram_finish(struct mig_chv_ram *ram, struct mig_error *err);

/* One range as it stands in a stream. */
struct mig_chv_range mig_chv_range_read(const unsigned char bytes[MIG_CHV_RANGE_BYTES]);
void mig_chv_range_put(struct mig_chv_range range, unsigned char ret[MIG_CHV_RANGE_BYTES]);

MIG_MUST_CHECK bool mig_chv_ram_check(const struct mig_chv_ram *ram, struct mig_chv_range range,
                                      struct mig_error *err);
/* @len is a multiple of 16.  Each range in RAM, none twice; @ret_total is how
 * many bytes they are together. */
MIG_MUST_CHECK bool mig_chv_ram_check_table(const struct mig_chv_ram *ram,
                                            const unsigned char *table, size_t len,
                                            uint64_t *ret_total, struct mig_error *err);
void mig_chv_ram_clear(struct mig_chv_ram *ram);
