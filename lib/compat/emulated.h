/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/emulated.h: guests whose CPU a program makes up (emulator.def).  What
 * KVM and the CPU of a host grant says nothing about them; only the program
 * itself can prove that it shows the same again.
 */
#pragma once

#include "compat/negotiate.h"

#define MIG_EMULATED "vmm/emulated" /* the finding on it */

/* By the facts of its contract. */
bool mig_emulated_is(const struct mig_snapshot *shown);

/* What of @s counts for such a guest, or for the host that is to run it: all
 * but CPU and KVM.  Borrows from @s all but the entries, which the caller
 * frees. */
struct mig_snapshot mig_emulated_rest(const struct mig_snapshot *s);

/* Leave the answer to the proof of @host's own program. */
void mig_emulated_defer(struct mig_result *r, const struct mig_party *guest, const char *host);

/* The proof held: @vmm on @host shows the guest what it was shown. */
void mig_emulated_settle(struct mig_result *r, const char *host, const char *vmm);
