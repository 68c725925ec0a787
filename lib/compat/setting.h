/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/setting.h: what a host's own evidence shows to be switched off there:
 * parameters of KVM's modules and switches of the kernel command line.
 * Private to this room.
 */
#pragma once

#include "compat/lack.h"

struct mig_setting {
    enum mig_reason reason;
    bool certain; /* whatever the CPU: without the setting there would be nothing */
    char *remedy; /* the caller frees */
};

/* Set @ret to the setting of the party that misses which takes it away; false
 * when its evidence shows none. */
MIG_MUST_CHECK bool mig_setting_find(const struct mig_lack *l, struct mig_setting *ret);
