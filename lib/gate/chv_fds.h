/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_fds.h: descriptors of a guest's memory, kept until the guest is
 * approved.  Owns them until they are handed on.
 */
#pragma once

#include "gate/chv_config.h"

#define MIG_CHV_SLOT_BYTES 4

struct mig_chv_fd {
    uint32_t slot;
    unsigned char payload[MIG_CHV_SLOT_BYTES]; /* the same, as it came */
    int fd;                                    /* -1: handed on */
};

/* Zero-initialised is empty. */
struct mig_chv_fds {
    struct mig_chv_fd *items;
    size_t len, cap, sent;
};

/* Takes @fd on success; -1, or a slot that is there already, is an error. */
MIG_MUST_CHECK bool mig_chv_fds_keep(struct mig_chv_fds *fds,
                                     const unsigned char payload[MIG_CHV_SLOT_BYTES], int fd,
                                     struct mig_error *err);

/* Is each slot one of @c? */
MIG_MUST_CHECK bool mig_chv_fds_check(const struct mig_chv_fds *fds, const struct mig_chv_config *c,
                                      struct mig_error *err);

/* The next one in the order in which they came, its fd the caller's; NULL: all
 * are handed on. */
const struct mig_chv_fd *mig_chv_fds_next(struct mig_chv_fds *fds, int *ret_fd);
void mig_chv_fds_clear(struct mig_chv_fds *fds);
