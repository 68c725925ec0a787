/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/vmm.h: what the VMM that restores an arm64 guest does with ID
 * registers that differ, by name and version (vmm_arm64.def).  Private to this
 * room.
 */
#pragma once

#include "compat/negotiate.h"

struct mig_vmm;

/* The VMM of the guest's contract, else the only one that @host has a version
 * of; NULL: not known, or without a row. */
const struct mig_vmm *mig_vmm_of(const struct mig_party *guest, const struct mig_party *host);

/* Does the VMM keep @reg out of what it restores? */
bool mig_vmm_leaves_out(const struct mig_vmm *vmm, const struct mig_party *guest,
                        const struct mig_party *host, struct mig_reg reg);
/* How it can be made to; NULL: it can not. */
const char *mig_vmm_how(const struct mig_vmm *vmm);
/* May @reg be in the stream although the destination has no such register? */
bool mig_vmm_lets_miss(const struct mig_vmm *vmm, const struct mig_party *guest,
                       const struct mig_party *host, struct mig_reg reg);
bool mig_vmm_shows_other_implementation(const struct mig_vmm *vmm);
bool mig_vmm_moves_tags(const struct mig_vmm *vmm);
/* "qemu"; "the VMM" for NULL */
const char *mig_vmm_name(const struct mig_vmm *vmm);
