/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/prove.h: does the QEMU of this host show a guest that it emulates
 * (compat/emulated.h) what it was shown elsewhere?  A scratch guest with the
 * contract's machine type and CPU (vmm/export.h) looks, and every leaf and MSR
 * is compared.
 */
#pragma once

#include "compat/proven.h"

/* Never fails: what went wrong is an outcome.  @program: QEMU; NULL: there is
 * none here. */
void mig_qemu_prove(const char *program, const struct mig_snapshot *shown, uint64_t timeout_ms,
                    struct mig_proven *ret);
