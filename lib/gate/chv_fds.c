/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_fds.h"

#include <string.h>

#include "base/array.h"
#include "base/file.h"

#define SLOTS_MAX 4096

bool mig_chv_fds_keep(struct mig_chv_fds *fds, const unsigned char payload[MIG_CHV_SLOT_BYTES],
                      int fd, struct mig_error *err)
{
    uint32_t slot = payload[0] | (uint32_t)payload[1] << 8 | (uint32_t)payload[2] << 16 |
                    (uint32_t)payload[3] << 24;
    struct mig_chv_fd *kept;

    for (size_t i = 0; i < fds->len; i++) {
        if (fds->items[i].slot == slot) {
            return mig_fail(err, MIG_FORMAT, "MemoryFd: slot %u is there twice", slot);
        }
    }
    if (fds->len == SLOTS_MAX) {
        return mig_fail(err, MIG_LIMIT, "MemoryFd: more than %d slots", SLOTS_MAX);
    }
    if (fd < 0) {
        return mig_fail(err, MIG_FORMAT, "MemoryFd: no descriptor came with slot %u", slot);
    }
    kept = MIG_PUSH(fds);
    kept->slot = slot;
    memcpy(kept->payload, payload, MIG_CHV_SLOT_BYTES);
    kept->fd = fd;
    return true;
}

bool mig_chv_fds_check(const struct mig_chv_fds *fds, const struct mig_chv_config *c,
                       struct mig_error *err)
{
    for (size_t i = 0; i < fds->len; i++) {
        if (!mig_chv_config_has_slot(c, fds->items[i].slot)) {
            return mig_fail(err, MIG_FORMAT, "MemoryFd: slot %u is none of its Config",
                            fds->items[i].slot);
        }
    }
    return true;
}

const struct mig_chv_fd *mig_chv_fds_next(struct mig_chv_fds *fds, int *ret_fd)
{
    struct mig_chv_fd *next = fds->sent < fds->len ? &fds->items[fds->sent++] : NULL;

    if (next != NULL) {
        *ret_fd = next->fd;
        next->fd = -1;
    }
    return next;
}

void mig_chv_fds_clear(struct mig_chv_fds *fds)
{
    for (size_t i = 0; i < fds->len; i++) {
        mig_fd_close(fds->items[i].fd);
    }
    mig_free(fds->items);
    *fds = (struct mig_chv_fds){0};
}
