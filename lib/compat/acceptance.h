/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/acceptance.h: what a host honours for a guest that arrives although
 * its KVM would not show it to a new one (accept.def).  Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

enum mig_acceptance {
    MIG_ACCEPT_NOT,
    MIG_ACCEPT_TOLERATED, /* the guest's use of it comes to something else */
    MIG_ACCEPT_SAME,      /* the VMM shows it there as here */
};

/* Of @f, which @guest was shown and @host lacks; sets @ret_why when tolerated. */
enum mig_acceptance mig_acceptance_find(const struct mig_party *guest, const struct mig_party *host,
                                        const struct mig_field *f, const char **ret_why);
